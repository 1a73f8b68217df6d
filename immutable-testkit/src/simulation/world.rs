use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use immutable_core::controller::{Clock, Controller, Options};
use immutable_core::fleet::{Fleet, Instance, Phase, Router, Standing};
use immutable_core::journal::{JournalStore, MemoryStore};
use immutable_core::limits::Limits;
use immutable_core::plan::{OnApart, Plan};
use immutable_core::planner::{PlanError, PlanRequest};
use immutable_core::strategy::RolloutStrategy;
use immutable_core::{Digest, FleetId, RolloutId, Seed, Timestamp, WriterId, Zone};
use tokio::sync::Notify;

use super::gate::{ErrorGate, ErrorRates};
use super::link::{Link, Linked};
use super::observer::{Observer, WatchedStore};
use super::setup::{CHECK, gate_name};
use super::trace::{Told, Trace};
use super::{Dice, Flaw, Setup};
use crate::clock::{Nursery, VirtualClock};
use crate::faulty::{FaultKind, FaultyFleet, FaultyMetrics, FaultyRouter, FaultyStore, SkewedClock, Tally};
use crate::fleet::{ImageBehaviour, MemoryFleet, Operation, Witness};
use crate::router::MemoryRouter;

/// The image of a version.
pub(super) fn image(version: u8) -> Digest {
    Digest::of(format!("web {version}").as_bytes())
}

/// A host on which a process runs, dies and is started again.
#[derive(Debug, Default)]
pub(super) struct Host {
    /// The present life, with its clock.
    pub(super) life: Option<(Link, SkewedClock)>,
    /// Whether it gave the rollout up to another one.
    pub(super) stands_by: bool,
}

/// Everything that is there.
#[derive(Debug)]
pub(super) struct World {
    pub(super) setup: Setup,
    pub(super) seed: Seed,
    pub(super) clock: VirtualClock,
    pub(super) start: Timestamp,
    pub(super) nursery: Nursery,
    pub(super) tally: Tally,
    pub(super) trace: Trace,
    pub(super) observer: Arc<Observer>,
    pub(super) fleet: Arc<MemoryFleet>,
    pub(super) router: Arc<MemoryRouter>,
    pub(super) store: Arc<dyn JournalStore>,
    pub(super) faulty_fleet: Arc<FaultyFleet>,
    pub(super) faulty_router: Arc<FaultyRouter>,
    pub(super) faulty_store: Arc<FaultyStore>,
    pub(super) faulty_metrics: Arc<FaultyMetrics>,
    pub(super) hosts: Mutex<Vec<Host>>,
    /// Told when a host that stands by is to begin.
    pub(super) summons: Notify,
    pub(super) dice: Mutex<Dice>,
}

impl World {
    pub(super) fn new(setup: &Setup, seed: Seed, trace: bool) -> Arc<Self> {
        #[expect(clippy::expect_used, reason = "constants")]
        let (start, id) = (
            "2026-11-23T10:00:00Z".parse::<Timestamp>().expect("a time"),
            FleetId::new("web").expect("a valid name"),
        );
        let clock = VirtualClock::new(start);
        let trace = Trace::new(start, trace);
        let (tally, nursery) = (Tally::new(), Nursery::new());
        let fleet = build_fleet(setup, seed, id, &clock);
        let observer = Arc::new(Observer::new(clock.shared(), trace.clone(), &fleet.instances()));
        let witness: Weak<dyn Witness> = Arc::downgrade(&(Arc::clone(&observer) as Arc<dyn Witness>));
        fleet.add_witness(witness);
        let router = Arc::new(MemoryRouter::with_fleet(clock.shared(), &fleet));
        router.set_sessions(u32::from(!setup.sessions.is_zero()), setup.sessions);
        router.serve_all_ready();
        let store: Arc<dyn JournalStore> =
            Arc::new(WatchedStore { inner: MemoryStore::new(), observer: Arc::clone(&observer) });
        let rates = ErrorRates {
            fleet: Arc::clone(&fleet),
            bad: BTreeMap::from([(image(2), setup.flaw == Flaw::Errors)]),
            seed,
        };
        let faulty_fleet = FaultyFleet::new(
            Arc::clone(&fleet) as Arc<dyn Fleet>,
            clock.shared(),
            tally.clone(),
            nursery.clone(),
        );
        let faulty_router =
            FaultyRouter::new(Arc::clone(&router) as Arc<dyn Router>, clock.shared(), tally.clone());
        let hosts = (0..setup.processes.max(1)).map(|_| Host::default()).collect();
        Arc::new(Self {
            setup: setup.clone(),
            seed,
            start,
            faulty_fleet: Arc::new(faulty_fleet),
            faulty_router: Arc::new(faulty_router),
            faulty_store: Arc::new(FaultyStore::new(Arc::clone(&store), clock.shared(), tally.clone())),
            faulty_metrics: Arc::new(FaultyMetrics::new(Arc::new(rates), clock.shared(), tally.clone())),
            clock,
            nursery,
            tally,
            trace,
            observer,
            fleet,
            router,
            store,
            hosts: Mutex::new(hosts),
            summons: Notify::new(),
            dice: Mutex::new(Dice::new(seed, "world")),
        })
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(super) fn hosts(&self) -> MutexGuard<'_, Vec<Host>> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn dice(&self) -> MutexGuard<'_, Dice> {
        self.dice.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn zones(&self) -> Vec<Zone> {
        self.setup.zone_names()
    }

    pub(super) fn say(&self, who: &str, what: impl FnOnce() -> String) {
        self.trace.say(self.now(), who, what);
    }

    /// Does something later.
    pub(super) fn later(self: &Arc<Self>, by: Duration, what: impl FnOnce(&Arc<Self>) + Send + 'static) {
        let (world, at) = (Arc::clone(self), self.now() + by);
        self.nursery.spawn(async move {
            world.clock.sleep_until(at).await;
            what(&world);
        });
    }

    /// A plan for the fleet as it really is.
    pub(super) async fn plan(
        &self,
        rollout: &RolloutId,
        target: Digest,
        desired: u32,
        strategy: &dyn RolloutStrategy,
        limits: Limits,
    ) -> Result<Plan, PlanError> {
        // The real fleet fails no call that nobody told it to.
        #[expect(clippy::expect_used, reason = "see above")]
        let snapshot = self.fleet.observe().await.expect("a list");
        PlanRequest::new(rollout.clone(), target, desired)
            .limits(limits)
            .zones(self.zones())
            .seed(self.seed)
            .on_failure(self.setup.on_failure)
            .on_protected(OnApart::Wait)
            .on_retarget(self.setup.on_retarget)
            .plan(&snapshot, strategy)
    }

    /// A new process, with a clock of its own.
    pub(super) fn process(&self, name: &str) -> (Link, SkewedClock, Controller) {
        let clock = {
            let mut dice = self.dice();
            let apart = dice.time(Duration::ZERO, self.setup.clocks_apart / 2);
            match dice.percent(50) {
                true => SkewedClock::ahead(self.clock.shared(), apart),
                false => SkewedClock::behind(self.clock.shared(), apart),
            }
        };
        let link = Link::new(
            self.clock.shared(),
            self.tally.clone(),
            Arc::clone(&self.observer),
            self.seed.child(name),
        );
        let fleet: Arc<dyn Fleet> =
            Arc::new(Linked { link: link.clone(), inner: Arc::clone(&self.faulty_fleet) as Arc<dyn Fleet> });
        let router: Arc<dyn Router> = Arc::new(Linked {
            link: link.clone(),
            inner: Arc::clone(&self.faulty_router) as Arc<dyn Router>,
        });
        let store: Arc<dyn JournalStore> = Arc::new(Linked {
            link: link.clone(),
            inner: Arc::clone(&self.faulty_store) as Arc<dyn JournalStore>,
        });
        #[expect(clippy::expect_used, reason = "letters, digits and hyphens")]
        let writer = WriterId::new(name).expect("a valid name");
        let told = Told { trace: self.trace.clone(), who: name.to_owned(), clock: self.clock.shared() };
        let gate = ErrorGate {
            metrics: Arc::clone(&self.faulty_metrics) as _,
            observer: Arc::clone(&self.observer),
        };
        let mut options = Options::default();
        // So few that even a small rollout has checkpoints, and whoever takes over begins with one.
        options.checkpoint_after = 16;
        let controller = Controller::new(fleet, store, Arc::new(clock.clone()))
            .with_options(options)
            .with_router(router)
            .with_gate(gate_name(CHECK), Arc::new(gate))
            .with_writer(writer)
            .with_sink(Arc::new(told));
        (link, clock, controller)
    }

    /// One of the instances that are not being stopped.
    pub(super) fn pick(&self, number: u32) -> Option<Instance> {
        let mut instances = self.fleet.instances();
        instances.retain(|instance| instance.phase != Phase::Stopping);
        let at = (number as usize).checked_rem(instances.len())?;
        Some(instances.swap_remove(at))
    }

    /// Everything that does not heal by itself is made good.
    pub(super) fn heal(&self) {
        self.say("world", || "everything is made good".to_owned());
        self.faulty_fleet.heal();
        self.faulty_router.heal();
        self.faulty_store.heal();
        self.faulty_metrics.heal();
        for zone in self.zones() {
            self.fleet.zone_restored(&zone);
            self.fleet.set_zone_capacity(&zone, None);
        }
        self.fleet.set_stop(self.setup.stop);
        self.fleet.hang_boots(0);
        self.fleet.set_behaviour(image(2), behaviour(self.setup.flaw));
        for instance in self.fleet.instances() {
            if self.observer.is_touched(&instance.id) && matches!(instance.phase, Phase::Running(_)) {
                // It may be gone by now.
                let _ = self.fleet.make_ready(&instance.id);
            }
            if instance.standing.protected {
                let mut standing = instance.standing;
                standing.protected = false;
                let _ = self.fleet.set_standing(&instance.id, standing);
            }
        }
        let links: Vec<Link> =
            self.hosts().iter().filter_map(|host| host.life.as_ref()).map(|(link, _)| link.clone()).collect();
        links.iter().for_each(Link::heal);
    }

    pub(super) fn met(&self, kind: FaultKind) {
        self.tally.met(kind);
    }
}

pub(super) const fn behaviour(flaw: Flaw) -> ImageBehaviour {
    match flaw {
        Flaw::None | Flaw::Errors => ImageBehaviour::Healthy,
        Flaw::NeverReady => ImageBehaviour::NeverReady,
        Flaw::NeverStarts => ImageBehaviour::NeverStarts,
        Flaw::Crashes { after } => ImageBehaviour::CrashAfter(after),
    }
}

fn build_fleet(setup: &Setup, seed: Seed, id: FleetId, clock: &VirtualClock) -> Arc<MemoryFleet> {
    let builder = MemoryFleet::builder(id, clock.shared())
        .zones(setup.zone_names())
        .image(image(2), behaviour(setup.flaw))
        .image(image(3), ImageBehaviour::Healthy)
        .running(setup.instances, image(1))
        .seed(seed)
        .boot(setup.boot)
        .boot_jitter(setup.boot_jitter)
        .stop(setup.stop)
        .call_time(Operation::Launch, setup.launch_call)
        .call_time(Operation::Terminate, setup.terminate_call);
    let builder = if setup.events { builder } else { builder.without_events() };
    let builder = if setup.effects_at_end {
        builder.effect_time(crate::fleet::EffectTime::BeforeReturn)
    } else {
        builder
    };
    let fleet = builder.build();
    for (slot, instance) in (0..).zip(fleet.instances()) {
        let mut standing = Standing::PLAIN;
        standing.leader = setup.leader == Some(slot);
        standing.protected = setup.protected == Some(slot);
        // It was listed a moment ago.
        let _ = fleet.set_standing(&instance.id, standing);
    }
    fleet
}
