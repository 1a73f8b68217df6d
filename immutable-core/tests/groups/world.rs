//! Groups in tiers, each a fleet in memory, with one journal store and one clock.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use immutable_core::controller::{Clock, Controller, ReleaseController, ReleaseRunError};
use immutable_core::event::{Event, EventKind, EventSink};
use immutable_core::fleet::{
    Capabilities, DrainRequest, Fleet, FleetError, LaunchRequest, Launched, Snapshot, TerminateRequest,
    Terminated,
};
use immutable_core::journal::{Commit, JournalStore, Key, MemoryStore, ReleaseRecord, ReleaseState, Subject};
use immutable_core::limits::Limits;
use immutable_core::planner::PlanRequest;
use immutable_core::release::{GroupPhase, ReleaseOutcome, ReleasePlan, ReleaseSpec};
use immutable_core::strategy::Rolling;
use immutable_core::{
    BarrierName, Digest, FleetId, Quantity, RolloutId, ServiceName, Timestamp, WriterId, Zone,
};
use immutable_testkit::clock::VirtualClock;
use immutable_testkit::fleet::{EffectKind, ImageBehaviour, MemoryFleet};
use tokio_util::sync::CancellationToken;

pub(crate) fn v(version: u32) -> Digest {
    Digest::of(format!("v{version}").as_bytes())
}

pub(crate) fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) fn fleet(name: &str) -> FleetId {
    FleetId::new(name).unwrap()
}

pub(crate) fn release() -> RolloutId {
    RolloutId::new("r7").unwrap()
}

/// Tiers of groups, in order: v1 runs everywhere, v2 is good, v3 is never ready.
pub(crate) fn tiers(tiers: &[&[&str]]) -> ReleaseSpec {
    ReleaseSpec::new().tiers(tiers.iter().enumerate().map(|(number, fleets)| {
        let name = BarrierName::new(format!("tier-{number}")).unwrap();
        (name, fleets.iter().map(|name| fleet(name)).collect())
    }))
}

/// What the release committed, with its times.
#[derive(Debug, Default)]
pub(crate) struct Log(pub(crate) Mutex<Vec<(Timestamp, String, Option<ReleaseRecord>)>>);

impl EventSink for Log {
    fn emit(&self, event: &Event) {
        let record = match &event.kind {
            EventKind::Release { record, .. } => Some((**record).clone()),
            _ => None,
        };
        self.0.lock().unwrap().push((event.at, format!("{} {event}", event.rollout), record));
    }
}

impl Log {
    pub(crate) fn text(&self) -> String {
        let lines = self.0.lock().unwrap();
        lines.iter().map(|(at, line, _)| format!("{at} {line}")).collect::<Vec<_>>().join("\n")
    }
}

/// The fewest instances of all fleets together that were available right after something left service.
#[derive(Debug)]
pub(crate) struct Service {
    fleets: Mutex<Vec<Arc<MemoryFleet>>>,
    least: Mutex<usize>,
}

impl Service {
    fn look(&self) {
        let sum = self.fleets.lock().unwrap().iter().map(|fleet| fleet.available()).sum();
        let mut least = self.least.lock().unwrap();
        *least = (*least).min(sum);
    }
}

/// Looks at the whole service after each call: nothing leaves service on purpose but by one.
#[derive(Debug)]
struct Probe {
    fleet: Arc<MemoryFleet>,
    service: Arc<Service>,
}

#[async_trait::async_trait]
impl Fleet for Probe {
    fn id(&self) -> &FleetId {
        self.fleet.id()
    }

    fn capabilities(&self) -> Capabilities {
        self.fleet.capabilities()
    }

    async fn observe(&self) -> Result<Snapshot, FleetError> {
        self.fleet.observe().await
    }

    async fn changed(&self, since: u64) {
        self.fleet.changed(since).await;
    }

    async fn check(&self, image: &Digest) -> Result<(), FleetError> {
        self.fleet.check(image).await
    }

    async fn launch(&self, requests: &[LaunchRequest]) -> Vec<Result<Launched, FleetError>> {
        self.fleet.launch(requests).await
    }

    async fn drain(&self, requests: &[DrainRequest]) -> Vec<Result<(), FleetError>> {
        let results = self.fleet.drain(requests).await;
        self.service.look();
        results
    }

    async fn terminate(&self, requests: &[TerminateRequest]) -> Vec<Result<Terminated, FleetError>> {
        let call = self.fleet.terminate(requests);
        futures_util::pin_mut!(call);
        let first = futures_util::poll!(call.as_mut());
        self.service.look();
        match first {
            std::task::Poll::Ready(results) => results,
            std::task::Poll::Pending => call.await,
        }
    }
}

pub(crate) struct World {
    pub(crate) clock: VirtualClock,
    pub(crate) fleets: Vec<Arc<MemoryFleet>>,
    pub(crate) service: Arc<Service>,
    pub(crate) store: MemoryStore,
    pub(crate) log: Arc<Log>,
    pub(crate) limits: Limits,
    pub(crate) size: u32,
    pub(crate) spec: ReleaseSpec,
}

impl World {
    pub(crate) fn new(size: u32, spec: ReleaseSpec) -> Self {
        let clock = VirtualClock::new("2026-11-23T10:00:00Z".parse().unwrap());
        let build = |group: &immutable_core::release::Group| {
            MemoryFleet::builder(group.fleet.clone(), clock.shared())
                .zones([Zone::new("a").unwrap()])
                .image(v(2), ImageBehaviour::Healthy)
                .image(v(3), ImageBehaviour::NeverReady)
                .running(size, v(1))
                .build()
        };
        let fleets: Vec<_> = spec.groups.iter().map(build).collect();
        let service = Service { fleets: Mutex::new(fleets.clone()), least: Mutex::new(usize::MAX) };
        let limits = Limits {
            max_surge: Quantity::Count(1),
            max_unavailable: Quantity::Count(0),
            healthy_deadline: secs(60),
            ..Limits::default()
        };
        Self {
            clock,
            fleets,
            service: Arc::new(service),
            store: MemoryStore::new(),
            log: Arc::default(),
            limits,
            size,
            spec,
        }
    }

    /// All groups in one guarded service, of which this share serves.
    pub(crate) fn guard(mut self, share: u8) -> Self {
        use immutable_core::release::Service;
        let web = ServiceName::new("web").unwrap();
        for group in &mut self.spec.groups {
            group.service = Some(web.clone());
        }
        self.spec =
            self.spec.service(Service::new(web, immutable_core::strategy::Share::new(share).unwrap()));
        self
    }

    /// Every group to v2, but these to v3.
    pub(crate) fn plan(&self, bad: &[&str]) -> ReleasePlan {
        let plans = self.fleets.iter().map(|fleet| {
            let target = if bad.contains(&fleet.id().as_str()) { v(3) } else { v(2) };
            self.plan_of(fleet, target, &format!("r7-{}", fleet.id()))
        });
        ReleasePlan::new(release(), self.spec.clone(), plans.collect()).unwrap()
    }

    pub(crate) fn plan_of(
        &self,
        fleet: &Arc<MemoryFleet>,
        target: Digest,
        rollout: &str,
    ) -> immutable_core::plan::Plan {
        let snapshot = self.clock.run(fleet.observe()).unwrap();
        PlanRequest::new(RolloutId::new(rollout).unwrap(), target, self.size)
            .limits(self.limits.clone())
            .zones(vec![Zone::new("a").unwrap()])
            .plan(&snapshot, &Rolling::new())
            .unwrap()
    }

    pub(crate) fn fleet(&self, name: &str) -> &Arc<MemoryFleet> {
        self.fleets.iter().find(|fleet| fleet.id().as_str() == name).unwrap()
    }

    pub(crate) fn controller(&self) -> ReleaseController {
        self.controller_on(Arc::new(self.store.clone()), "w")
    }

    pub(crate) fn controller_on(&self, store: Arc<dyn JournalStore>, name: &str) -> ReleaseController {
        let writer = |text: &str| WriterId::new(format!("{name}-{text}")).unwrap();
        let mut controller = ReleaseController::new(Arc::clone(&store), self.clock.shared())
            .with_writer(writer("release"))
            .with_sink(Arc::clone(&self.log) as Arc<dyn EventSink>);
        for fleet in &self.fleets {
            let probe = Probe { fleet: Arc::clone(fleet), service: Arc::clone(&self.service) };
            let group = Controller::new(Arc::new(probe), Arc::clone(&store), self.clock.shared())
                .with_writer(writer(fleet.id().as_str()))
                .with_sink(Arc::clone(&self.log) as Arc<dyn EventSink>);
            controller = controller.with_group(group);
        }
        controller
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Runs to the end within a day of virtual time.
    pub(crate) fn run(
        &self,
        controller: &ReleaseController,
        plan: &ReleasePlan,
    ) -> Result<ReleaseOutcome, ReleaseRunError> {
        let token = CancellationToken::new();
        match self.clock.run_until(self.now() + secs(86_400), controller.run(plan, &token)) {
            Ok(result) => result,
            Err(stalled) => panic!("{stalled:?}\n{}", self.log.text()),
        }
    }

    /// The state that the journal of the release tells.
    pub(crate) fn state(&self) -> ReleaseState {
        let mut fold = immutable_core::journal::Fold::<ReleaseState>::empty(release());
        for key in self.clock.run(self.store.list(&Key::new(release(), 1))).unwrap() {
            let bytes = self.clock.run(self.store.get(&key)).unwrap().unwrap();
            let (commit, digest) = Commit::<<ReleaseState as Subject>::Record>::read(&bytes).unwrap();
            fold.apply(&commit, digest).unwrap();
        }
        fold.state().unwrap().clone()
    }

    pub(crate) fn phase(&self, name: &str) -> GroupPhase {
        self.state().release().phase(&fleet(name)).unwrap()
    }

    /// Every fleet is whole and runs one image; of this group it is this one.
    pub(crate) fn image(&self, name: &str) -> Digest {
        let instances = self.fleet(name).instances();
        assert_eq!(instances.len(), self.size as usize, "{name}: {}", self.log.text());
        assert!(instances.iter().all(|it| it.is_ready() && it.image == instances[0].image), "{instances:?}");
        instances[0].image
    }

    pub(crate) fn least(&self) -> usize {
        *self.service.least.lock().unwrap()
    }

    /// Nothing was launched twice, and every fleet kept its own limits.
    pub(crate) fn assert_safe(&self) {
        for fleet in &self.fleets {
            let mut tokens = std::collections::BTreeSet::new();
            for effect in fleet.effects() {
                if let EffectKind::Launched { origin, .. } = effect.kind {
                    assert!(tokens.insert(origin.token.clone()), "launched twice: {origin:?}");
                }
            }
            let (peaks, budget) = (fleet.peaks(), self.limits.budget(self.size).unwrap());
            assert!(peaks.max_total <= budget.max_total() as usize, "{peaks:?}");
            assert!(peaks.min_available >= budget.min_available() as usize, "{peaks:?}");
        }
    }

    /// When the first and the last instance of the target were launched and old ones gone.
    pub(crate) fn span(&self, name: &str) -> Option<(Timestamp, Timestamp)> {
        let effects = self.fleet(name).effects();
        Some((effects.first()?.at, effects.last()?.at))
    }
}
