//! A fleet of ten in three zones behind a router, in virtual time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use immutable_core::controller::{Controller, ControllerError};
use immutable_core::event::{Event, EventSink};
use immutable_core::fleet::{Fleet, Router};
use immutable_core::journal::MemoryStore;
use immutable_core::limits::Limits;
use immutable_core::plan::{Plan, lint};
use immutable_core::planner::{Conclusion, PlanRequest};
use immutable_core::strategy::{Rolling, RolloutStrategy};
use immutable_core::{Digest, FleetId, Quantity, RolloutId, Timestamp, Zone};
use immutable_testkit::clock::VirtualClock;
use immutable_testkit::fleet::{EffectKind, ImageBehaviour, MemoryFleet, MemoryFleetBuilder};
use immutable_testkit::router::MemoryRouter;
use tokio_util::sync::CancellationToken;

#[derive(Debug, Default)]
pub(crate) struct Log(Mutex<Vec<String>>);

impl EventSink for Log {
    fn emit(&self, event: &Event) {
        self.0.lock().unwrap().push(format!("{} {event}", event.at));
    }
}

impl Log {
    pub(crate) fn text(&self) -> String {
        self.0.lock().unwrap().join("\n")
    }
}

pub(crate) fn v(version: u32) -> Digest {
    Digest::of(format!("v{version}").as_bytes())
}

pub(crate) fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) struct Scenario {
    pub(crate) clock: VirtualClock,
    pub(crate) fleet: Arc<MemoryFleet>,
    pub(crate) router: Arc<MemoryRouter>,
    pub(crate) store: MemoryStore,
    pub(crate) log: Arc<Log>,
    pub(crate) limits: Limits,
    pub(crate) desired: u32,
    pub(crate) zones: Vec<Zone>,
}

impl Scenario {
    /// Ten of v1 run; v2 is good, v3 is never ready, v4 dies five seconds after it became ready.
    pub(crate) fn new() -> Self {
        Self::with(10, |fleet| fleet.running(10, v(1)))
    }

    pub(crate) fn with(desired: u32, build: impl FnOnce(MemoryFleetBuilder) -> MemoryFleetBuilder) -> Self {
        let clock = VirtualClock::new("2026-11-23T10:00:00Z".parse().unwrap());
        let zones: Vec<Zone> = ["a", "b", "c"].map(|name| Zone::new(name).unwrap()).into();
        let builder = MemoryFleet::builder(FleetId::new("web").unwrap(), clock.shared())
            .zones(zones.clone())
            .image(v(1), ImageBehaviour::Healthy)
            .image(v(2), ImageBehaviour::Healthy)
            .image(v(3), ImageBehaviour::NeverReady)
            .image(v(4), ImageBehaviour::CrashAfter(secs(5)));
        let fleet = build(builder).build();
        let router = Arc::new(MemoryRouter::with_fleet(clock.shared(), &fleet));
        router.serve_all_ready();
        let limits = Limits { max_surge: Quantity::Count(3), ..Limits::default() };
        let (store, log) = (MemoryStore::new(), Arc::new(Log::default()));
        Self { clock, fleet, router, store, log, limits, desired, zones }
    }

    pub(crate) fn rollout() -> RolloutId {
        RolloutId::new("deploy-42").unwrap()
    }

    pub(crate) fn plan(&self, target: Digest) -> Plan {
        self.plan_as(target, &Rolling::new(), Self::rollout())
    }

    pub(crate) fn plan_as(&self, target: Digest, strategy: &dyn RolloutStrategy, rollout: RolloutId) -> Plan {
        let snapshot = self.clock.run(self.fleet.observe()).unwrap();
        let request = PlanRequest::new(rollout, target, self.desired)
            .limits(self.limits.clone())
            .zones(self.zones.clone());
        let plan = request.plan(&snapshot, strategy).unwrap();
        assert_eq!(lint(&plan), [], "{plan}");
        plan
    }

    pub(crate) fn controller(&self) -> Controller {
        self.controller_by(self.clock.shared())
    }

    /// One that goes by another clock.
    pub(crate) fn controller_by(&self, clock: Arc<dyn immutable_core::controller::Clock>) -> Controller {
        let fleet: Arc<dyn Fleet> = Arc::clone(&self.fleet) as Arc<dyn Fleet>;
        let router: Arc<dyn Router> = Arc::clone(&self.router) as Arc<dyn Router>;
        Controller::new(fleet, Arc::new(self.store.clone()), clock)
            .with_router(router)
            .with_sink(Arc::clone(&self.log) as Arc<dyn EventSink>)
    }

    /// Runs to the end within an hour of virtual time.
    pub(crate) fn run(&self, plan: &Plan) -> Result<Conclusion, ControllerError> {
        self.run_with(&self.controller(), plan)
    }

    pub(crate) fn run_with(
        &self,
        controller: &Controller,
        plan: &Plan,
    ) -> Result<Conclusion, ControllerError> {
        let limit = self.now() + secs(3600);
        let token = CancellationToken::new();
        match self.clock.run_until(limit, controller.run(plan, &token)) {
            Ok(result) => result,
            Err(stalled) => panic!("{stalled:?}\n{}", self.log.text()),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        use immutable_core::controller::Clock;
        self.clock.now()
    }

    /// S1, S2, S4, S11 and S12, seen from outside.
    pub(crate) fn assert_safe(&self) {
        let peaks = self.fleet.peaks();
        let budget = self.limits.budget(self.desired).unwrap();
        assert!(peaks.max_total <= budget.max_total() as usize, "{peaks:?}\n{}", self.log.text());
        assert!(peaks.min_available >= budget.min_available() as usize, "{peaks:?}\n{}", self.log.text());
        self.assert_tidy();
    }

    /// S4, S11 and S12, which hold whatever faults there were.
    pub(crate) fn assert_tidy(&self) {
        let mut seats = BTreeSet::new();
        for effect in self.fleet.effects() {
            if let EffectKind::Launched { origin, .. } = effect.kind {
                assert!(seats.insert(origin.token.clone()), "launched twice: {origin:?}");
            }
        }
        assert_eq!(self.router.cuts(), [], "{}", self.log.text());
    }

    /// The fleet is exactly what was declared, and so is the router.
    pub(crate) fn assert_ends_with(&self, image: Digest) {
        let instances = self.fleet.instances();
        assert_eq!(instances.len(), self.desired as usize, "{}", self.log.text());
        let mut zones: BTreeMap<&Zone, u32> = BTreeMap::new();
        for instance in &instances {
            assert!(instance.is_ready() && instance.image == image, "{instance:?}");
            *zones.entry(&instance.zone).or_default() += 1;
        }
        let spread = zones.values().max().unwrap() - zones.values().min().unwrap();
        assert!(spread <= 1, "{zones:?}");
        let routes = self.clock.run(self.router.observe()).unwrap();
        let routed: Vec<_> = routes.iter().map(|route| &route.instance).collect();
        assert_eq!(routed, instances.iter().map(|instance| &instance.id).collect::<Vec<_>>());
    }
}
