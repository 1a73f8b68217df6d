//! How long a rollout takes: our kernel, and batches that wait for their slowest instance, both against the time that
//! no schedule within the limits can beat.

use std::collections::BTreeMap;
use std::time::Duration;

use immutable_core::limits::Limits;
use immutable_core::plan::{Seat, Step};
use immutable_core::planner::{Decision, Observation, OpId, RolloutState, decide};
use immutable_core::{InstanceId, Quantity, Seed, Timestamp};

use crate::fleet;

/// A fleet, its limits, and how unequal its instances are: the slowest takes this many times as long as the fastest.
#[derive(Clone, Copy)]
struct Case {
    size: u32,
    surge: u32,
    unavailable: u32,
    spread: f64,
}

/// How long one slot's instances take.
#[derive(Clone, Copy)]
struct Times {
    launch: Duration,
    drain: Duration,
}

pub(crate) fn table(seeds: u64) {
    println!("rollout time over the shortest possible one, mean (worst) of {seeds} seeds");
    println!(
        "{:>6} {:>6} {:>11} {:>7} {:>16} {:>16}",
        "size", "surge", "unavailable", "spread", "ours", "batches"
    );
    for (size, surge, unavailable) in
        [(10, 1, 0), (10, 3, 0), (100, 10, 0), (100, 0, 10), (100, 25, 25), (1_000, 100, 0)]
    {
        for spread in [1.0, 3.0, 10.0] {
            let case = Case { size, surge, unavailable, spread };
            let ratios: Vec<(f64, f64)> = (0..seeds).map(|seed| case.ratios(Seed::new(seed))).collect();
            let show = |pick: fn(&(f64, f64)) -> f64| {
                let mean = ratios.iter().map(pick).sum::<f64>() / ratios.len() as f64;
                let worst = ratios.iter().map(pick).fold(0.0, f64::max);
                format!("{mean:.2} ({worst:.2})")
            };
            let (ours, batches) = (show(|ratio| ratio.0), show(|ratio| ratio.1));
            println!("{size:>6} {surge:>6} {unavailable:>11} {spread:>7} {ours:>16} {batches:>16}");
        }
    }
}

impl Case {
    fn times(&self, seed: Seed, slot: u32) -> Times {
        // Evenly over the orders of magnitude: most are fast, a few are slow.
        let part = |purpose: &str| {
            let share = seed.child(purpose).rank(&slot.to_be_bytes()) as f64 / u64::MAX as f64;
            self.spread.powf(share)
        };
        let secs = |base: f64, purpose| Duration::from_secs_f64((base * part(purpose)).round());
        Times { launch: secs(30.0, "launch"), drain: secs(10.0, "drain") }
    }

    fn ratios(&self, seed: Seed) -> (f64, f64) {
        let times: Vec<Times> = (0..self.size).map(|slot| self.times(seed, slot)).collect();
        let work: Duration = times.iter().map(|times| times.launch + times.drain).sum();
        let width = self.surge + self.unavailable;
        let chain = times.iter().map(|times| times.launch.max(times.drain)).max().unwrap_or_default();
        let bound = (work / width).max(chain).as_secs_f64();
        // As many at a time as the limits allow; the next when all are ready and all old ones gone.
        let batches = times.chunks(width as usize);
        let batches: Duration = batches
            .map(|batch| batch.iter().map(|times| times.launch + times.drain).max().unwrap_or_default())
            .sum();
        (self.ours(&times).as_secs_f64() / bound, batches.as_secs_f64() / bound)
    }

    /// The real kernel, driven through a world in which every slot takes its own time.
    fn ours(&self, times: &[Times]) -> Duration {
        let limits = Limits {
            max_surge: Quantity::Count(self.surge),
            max_unavailable: Quantity::Count(self.unavailable),
            healthy_deadline: Duration::from_secs(10_000),
            progress_deadline: Duration::from_secs(30_000),
            ..Limits::default()
        };
        let request = fleet::request(self.size).limits(limits);
        let plan = request.plan(&fleet::snapshot(self.size), &fleet::strategy()).unwrap();
        let mut state = RolloutState::open(plan.spec, &plan.initial, fleet::start()).unwrap();
        let mut now = fleet::start();
        let mut coming: BTreeMap<(Timestamp, u64), Coming> = BTreeMap::new();
        loop {
            match decide(&state, now) {
                Decision::Act(steps) => {
                    for step in steps {
                        let (after, event) = begin(&mut state, step, now, times);
                        coming.insert((now + after, state.next_op().0), event);
                    }
                }
                Decision::Wait => {
                    let ((at, _), event) = coming.pop_first().unwrap();
                    now = at;
                    happen(&mut state, event, now);
                    // What comes at one moment is decided upon together.
                    while let Some(entry) = coming.first_entry().filter(|entry| entry.key().0 == now) {
                        happen(&mut state, entry.remove(), now);
                    }
                }
                Decision::Done(_) => return now.since(fleet::start()),
                other => unreachable!("{other:?}"),
            }
            state.settle(now);
        }
    }
}

enum Coming {
    Ready(Seat),
    Gone(OpId),
}

fn begin(state: &mut RolloutState, step: Step, now: Timestamp, times: &[Times]) -> (Duration, Coming) {
    let op = state.next_op();
    match step {
        Step::Launch { seat, zone, image } => {
            state.launch_intended(op, seat, zone, image, now).unwrap();
            state.launched(op, InstanceId::new(format!("new-{op}")).unwrap(), now).unwrap();
            (times[seat.slot.0 as usize].launch, Coming::Ready(seat))
        }
        Step::Retire { seat } => {
            state.retire_intended(op, seat, now).unwrap();
            (times[seat.slot.0 as usize].drain, Coming::Gone(op))
        }
        other => unreachable!("{other:?}"),
    }
}

fn happen(state: &mut RolloutState, event: Coming, now: Timestamp) {
    match event {
        Coming::Ready(seat) => {
            state.observed(seat, Observation::Ready { endpoint: None }, now).unwrap();
            state.observed(seat, Observation::Available, now).unwrap();
        }
        Coming::Gone(op) => state.retired(op).unwrap(),
    }
    state.settle(now);
}
