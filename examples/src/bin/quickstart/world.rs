use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use immutable_core::controller::{Clock, Controller};
use immutable_core::event::EventSink;
use immutable_core::fleet::{Fleet, Router};
use immutable_core::journal::{Journal, JournalStore, MemoryStore};
use immutable_core::limits::Limits;
use immutable_core::plan::{Estimates, Plan};
use immutable_core::planner::{PlanRequest, RolloutState};
use immutable_core::strategy::Rolling;
use immutable_core::{Digest, FleetId, RolloutId, Timestamp, WriterId, Zone};
use immutable_examples::progress::LiveView;
use immutable_testkit::clock::VirtualClock;
use immutable_testkit::fleet::{EffectKind, EffectTime, ImageBehaviour, MemoryFleet, Operation};
use immutable_testkit::router::MemoryRouter;

pub(crate) type Failed = Box<dyn Error>;

/// How many servers there shall be.
pub(crate) const SERVERS: u32 = 30;

/// A platform with a router in front of it, and the store of the journals.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) clock: VirtualClock,
    pub(crate) fleet: Arc<MemoryFleet>,
    pub(crate) router: Arc<MemoryRouter>,
    store: MemoryStore,
    zones: Vec<Zone>,
    began: Timestamp,
    pace: Duration,
}

/// What became of the fleet since a moment, seen from outside of the controller.
#[derive(Debug)]
pub(crate) struct Proof {
    pub(crate) most: usize,
    pub(crate) fewest_available: usize,
    pub(crate) launched: usize,
    pub(crate) repeated: usize,
    pub(crate) twice: usize,
    pub(crate) lost_requests: usize,
}

impl World {
    /// Thirty servers of v1 run. v2 and v5 are good, v3 never gets ready, v4 dies a few seconds after it was.
    pub(crate) fn new(pace: Duration) -> Self {
        let clock = VirtualClock::new(Timestamp::from_unix(secs(1_800_000_000)));
        let zones = ["zone-a", "zone-b", "zone-c"].map(zone).to_vec();
        let fleet = MemoryFleet::builder(fleet_id(), clock.shared())
            .zones(zones.clone())
            .running(SERVERS, version(1))
            .image(version(2), ImageBehaviour::Healthy)
            .image(version(3), ImageBehaviour::NeverReady)
            .image(version(4), ImageBehaviour::CrashAfter(secs(16)))
            .image(version(5), ImageBehaviour::Healthy)
            .boot(secs(10))
            .boot_jitter(secs(4))
            .tick(secs(2))
            .stop(secs(2))
            // The platform launches when it is asked, answers half a second later and lists it after a second: whoever
            // is killed in between has launched something and does not know it.
            .listing_delay(secs(1))
            .call_time(Operation::Launch, Duration::from_millis(500))
            .call_time(Operation::Terminate, Duration::from_millis(500))
            .effect_time(EffectTime::AtStart)
            .build();
        let router = Arc::new(MemoryRouter::with_fleet(clock.shared(), &fleet));
        // Requests that an old server has when it leaves: three, which take up to five seconds.
        router.set_sessions(3, secs(5));
        router.serve_all_ready();
        let began = clock.now();
        Self { clock, fleet, router, store: MemoryStore::new(), zones, began, pace }
    }

    pub(crate) fn limits() -> Limits {
        Limits { min_ready: secs(8), healthy_deadline: secs(60), ..Limits::default() }
    }

    pub(crate) fn plan(&self, name: &str, target: Digest) -> Result<Plan, Failed> {
        let snapshot = self.clock.run(self.fleet.observe())?;
        let estimates = Estimates { launch_to_ready: secs(12), drain_to_gone: secs(7) };
        let request = PlanRequest::new(RolloutId::new(name)?, target, SERVERS)
            .limits(Self::limits())
            .zones(self.zones.clone())
            .estimates(estimates);
        Ok(request.plan(&snapshot, &Rolling::new())?)
    }

    /// A view of the rollouts, at the pace of the eye.
    pub(crate) fn view(&self) -> LiveView {
        let versions: BTreeMap<_, _> =
            (1..=5).map(|number| (version(number), format!("v{number}"))).collect();
        LiveView::new(versions).with_pace(self.pace)
    }

    /// A controller under this name. All of them share the journals, as if they were processes on several machines.
    pub(crate) fn controller(&self, name: &str, view: Arc<LiveView>) -> Result<Controller, Failed> {
        let fleet: Arc<dyn Fleet> = Arc::<MemoryFleet>::clone(&self.fleet);
        let router: Arc<dyn Router> = Arc::<MemoryRouter>::clone(&self.router);
        let sink: Arc<dyn EventSink> = view;
        Ok(Controller::new(fleet, self.store(), self.clock.shared())
            .with_router(router)
            .with_sink(sink)
            .with_writer(WriterId::new(name)?))
    }

    /// What the journal of a rollout says now.
    pub(crate) fn journal(&self, rollout: &RolloutId) -> Result<RolloutState, Failed> {
        let reader = WriterId::new("reader")?;
        let journal = self.clock.run(Journal::load(self.store(), rollout.clone(), reader))?;
        Ok(journal.state().ok_or("the journal is empty")?.clone())
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.clock.now().since(self.began)
    }

    /// Everything that happened from this effect on, and since the peaks were reset.
    pub(crate) fn proof(&self, first_effect: usize) -> Proof {
        let peaks = self.fleet.peaks();
        let mut tokens = BTreeSet::new();
        let (mut launched, mut repeated, mut twice) = (0, 0, 0);
        for effect in self.fleet.effects().split_off(first_effect) {
            match effect.kind {
                EffectKind::Launched { origin, .. } => {
                    launched += 1;
                    twice += usize::from(!tokens.insert(origin.token));
                }
                EffectKind::Repeated { .. } => repeated += 1,
                _ => {}
            }
        }
        Proof {
            most: peaks.max_total,
            fewest_available: peaks.min_available,
            launched,
            repeated,
            twice,
            lost_requests: self.router.cuts().len() + self.router.misrouted().len(),
        }
    }

    /// How many servers run an image, are ready and get traffic.
    pub(crate) fn serving(&self, image: Digest) -> Result<usize, Failed> {
        let routes = self.clock.run(self.router.observe())?;
        let instances = self.fleet.instances();
        let serves = |id| routes.iter().any(|route| route.instance == id);
        Ok(instances
            .into_iter()
            .filter(|one| one.image == image && one.is_ready() && serves(one.id.clone()))
            .count())
    }

    fn store(&self) -> Arc<dyn JournalStore> {
        Arc::new(self.store.clone())
    }
}

/// A content digest; a registry would know it by a tag such as `web:2`.
pub(crate) fn version(number: u32) -> Digest {
    Digest::of(format!("web {number}").as_bytes())
}

pub(crate) const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[expect(clippy::expect_used, reason = "a constant")]
fn fleet_id() -> FleetId {
    FleetId::new("web").expect("a valid name")
}

#[expect(clippy::expect_used, reason = "constants")]
fn zone(name: &str) -> Zone {
    Zone::new(name).expect("a valid name")
}
