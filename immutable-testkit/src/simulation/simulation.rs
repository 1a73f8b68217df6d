use std::sync::Arc;

use immutable_core::{Digest, Seed};

use super::observer::{Property, Violation};
use super::world::World;
use super::{Flaw, Rates, Report, Schedule, Setup, drama, shrink, verdict};
use crate::clock::Stalled;

/// One world and what goes wrong in it. See the [module](super).
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Simulation {
    seed: Option<u64>,
    setup: Setup,
    schedule: Schedule,
    trace: bool,
}

impl Simulation {
    /// Any world, and any faults, from a seed.
    pub fn seeded(seed: u64) -> Self {
        let rates = Rates::draw(Seed::new(seed));
        Self::seeded_with(seed, &rates)
    }

    /// Any world from a seed, with faults at these rates.
    pub fn seeded_with(seed: u64, rates: &Rates) -> Self {
        let setup = Setup::draw(Seed::new(seed));
        let schedule = Schedule::draw(Seed::new(seed), &setup, rates);
        Self { seed: Some(seed), setup, schedule, trace: false }
    }

    /// This world, and these faults. Whatever else is chosen follows from nothing but them.
    pub const fn of(setup: Setup, schedule: Schedule) -> Self {
        Self { seed: None, setup, schedule, trace: false }
    }

    /// With the choices of this seed, where world and faults leave any.
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// With another world.
    pub fn setup(mut self, change: impl FnOnce(&mut Setup)) -> Self {
        change(&mut self.setup);
        self
    }

    /// With other faults.
    pub fn faults(mut self, schedule: Schedule) -> Self {
        self.schedule = schedule;
        self
    }

    /// Keeps a text of everything that happens: see [`Report::trace`].
    pub const fn traced(mut self) -> Self {
        self.trace = true;
        self
    }

    /// Runs it, in no real time but that of computing it, on this thread.
    #[must_use]
    pub fn run(&self) -> Report {
        let run = std::panic::AssertUnwindSafe(|| self.run_unguarded());
        std::panic::catch_unwind(run).unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            let what = format!("panic: {}", text.unwrap_or_default());
            let at = immutable_core::Timestamp::UNIX_EPOCH;
            self.report(Some(Violation { property: Property::Journal, at, what }))
        })
    }

    /// Runs it, and beside it the same world without faults. If the faults only delay, both must come to the same end with
    /// the same number of launches in each slot.
    #[must_use]
    pub fn run_with_oracle(&self) -> Report {
        let mut report = self.run();
        let only_delays = report.met.keys().all(|kind| kind.only_delays());
        // How many of a bad version are tried depends on when which of them fails.
        let is_steady = self.setup.flaw == Flaw::None;
        if report.violation.is_some() || !only_delays || !is_steady || report.conclusion.is_none() {
            return report;
        }
        let calm = self.clone().faults(Schedule::new()).run();
        let what = match () {
            () if calm.conclusion != report.conclusion => {
                format!("it ended with {:?}, without faults with {:?}", report.conclusion, calm.conclusion)
            }
            () if calm.launches != report.launches => {
                format!("launches by slot are {:?}, without faults {:?}", report.launches, calm.launches)
            }
            () => return report,
        };
        let at = immutable_core::Timestamp::UNIX_EPOCH;
        report.violation = Some(Violation { property: Property::SameAsWithout, at, what });
        report
    }

    /// The same with as few faults as still break the same property.
    pub fn shrunk(&self) -> Self {
        shrink::shrink(self)
    }

    /// The world.
    #[must_use]
    pub const fn world(&self) -> &Setup {
        &self.setup
    }

    /// What goes wrong.
    #[must_use]
    pub const fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    fn run_unguarded(&self) -> Report {
        let world = World::new(&self.setup, Seed::new(self.seed.unwrap_or(0)), self.trace);
        let limit = drama::limit(&world);
        let play = world.nursery.clone();
        let played = world.clock.run_until(limit, async {
            play.run(Box::pin(drama::play(Arc::clone(&world), self.schedule.clone()))).await
        });
        match played {
            Ok(true) => verdict::find_lost_traffic(&world),
            Ok(false) => {}
            Err(stalled) => {
                let property = match stalled {
                    Stalled::TimeLimit { .. } => Property::Bounded,
                    Stalled::Deadlock { .. } | Stalled::Livelock { .. } => Property::Declared,
                };
                world.observer.find(property, stalled.to_string());
            }
        }
        let (records, effects, digest) = world.observer.totals();
        Report {
            conclusion: world.observer.conclusion(&drama::rollout("deploy")),
            met: world.tally.counts(),
            took: world.now().since(world.start),
            records,
            effects,
            launches: world.observer.per_slot(),
            digest,
            trace: world.trace.text(),
            ..self.report(world.observer.violation())
        }
    }

    fn report(&self, violation: Option<Violation>) -> Report {
        Report {
            seed: self.seed,
            setup: self.setup.clone(),
            schedule: self.schedule.clone(),
            conclusion: None,
            violation,
            met: Default::default(),
            took: Default::default(),
            records: 0,
            effects: 0,
            launches: Default::default(),
            digest: Digest::of(b""),
            trace: None,
        }
    }
}
