//! The rollouts whose journals are measured.

use std::sync::Arc;
use std::time::Duration;

use immutable_core::controller::{Clock, Controller};
use immutable_core::fleet::Fleet;
use immutable_core::gate::GateSpec;
use immutable_core::journal::JournalStore;
use immutable_core::limits::Limits;
use immutable_core::plan::Plan;
use immutable_core::planner::{Conclusion, PlanRequest};
use immutable_core::strategy::{Rolling, RolloutStrategy, Stage, StrategyContext, StrategyError};
use immutable_core::{Digest, FleetId, GateName, Quantity, RolloutId, Timestamp, Zone};
use immutable_testkit::clock::VirtualClock;
use immutable_testkit::fleet::{ImageBehaviour, MemoryFleet};
use tokio_util::sync::CancellationToken;

pub(crate) fn rollout() -> RolloutId {
    RolloutId::new("bench").unwrap()
}

fn image(version: u32) -> Digest {
    Digest::of(format!("v{version}").as_bytes())
}

/// All of the new image, and then nobody approves it.
#[derive(Debug)]
struct NeverApproved;

impl RolloutStrategy for NeverApproved {
    fn name(&self) -> &'static str {
        "never approved"
    }

    fn stages(&self, context: &StrategyContext) -> Result<Vec<Stage>, StrategyError> {
        let gate = GateSpec::Approval(GateName::new("nobody").unwrap());
        Ok(vec![Stage::new(context.budget.desired, 0).gate(gate), Stage::new(context.budget.desired, 0)])
    }
}

pub(crate) struct World {
    clock: VirtualClock,
    fleet: Arc<MemoryFleet>,
    size: u32,
}

impl World {
    /// A fleet in six zones whose instances take half a minute to boot, more or less.
    pub(crate) fn new(size: u32) -> Self {
        let clock = VirtualClock::new(Timestamp::from_unix(Duration::from_secs(1_800_000_000)));
        let fleet = MemoryFleet::builder(FleetId::new("web").unwrap(), clock.shared())
            .zones(zones())
            .image(image(1), ImageBehaviour::Healthy)
            .image(image(2), ImageBehaviour::Healthy)
            .running(size, image(1))
            .boot_jitter(Duration::from_secs(5))
            .tick(Duration::from_millis(50))
            .build();
        Self { clock, fleet, size }
    }

    fn plan(&self, strategy: &dyn RolloutStrategy) -> Plan {
        let limits = Limits { max_surge: Quantity::Percent(10), ..Limits::default() };
        let snapshot = self.clock.run(self.fleet.observe()).unwrap();
        let request = PlanRequest::new(rollout(), image(2), self.size).limits(limits).zones(zones());
        request.plan(&snapshot, strategy).unwrap()
    }

    fn controller(&self, store: Arc<dyn JournalStore>) -> Controller {
        Controller::new(Arc::clone(&self.fleet) as Arc<dyn Fleet>, store, self.clock.shared())
    }

    /// The whole way to the new image. Returns the virtual time it took.
    pub(crate) fn there(&self, store: Arc<dyn JournalStore>) -> Duration {
        let (plan, began) = (self.plan(&Rolling::new()), self.clock.now());
        let token = CancellationToken::new();
        let conclusion = self.clock.run(self.controller(store).run(&plan, &token)).unwrap();
        assert_eq!(conclusion, Conclusion::Completed);
        self.clock.now().since(began)
    }

    /// The whole way to the new image, and from there the whole way back.
    pub(crate) fn there_and_back(&self, store: Arc<dyn JournalStore>) {
        let plan = self.plan(&NeverApproved);
        let token = CancellationToken::new();
        let controller = self.controller(store);
        let handle = controller.control();
        let turn = async {
            self.clock.sleep_until(self.clock.now() + Duration::from_secs(7_200)).await;
            handle.rollback();
        };
        let conclusion =
            self.clock.run(async { futures_util::join!(controller.run(&plan, &token), turn) }).0.unwrap();
        assert!(matches!(conclusion, Conclusion::RolledBack { .. }), "{conclusion}");
    }
}

fn zones() -> Vec<Zone> {
    (0..6).map(|number| Zone::new(format!("zone-{number}")).unwrap()).collect()
}
