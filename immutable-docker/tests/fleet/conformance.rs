//! The suite that every fleet must pass, on a real engine.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use immutable_core::controller::{Clock, SystemClock};
use immutable_core::fleet::Fleet;
use immutable_core::{Digest, InstanceId, Zone};
use immutable_docker::DockerFleet;
use immutable_testkit::conformance::Harness;
use immutable_testkit::conformance::fleet::FleetHarness;
use tokio::runtime::Runtime;

use crate::stage::{PATIENCE, Stage, never_ready_image, plain_image};

#[derive(Debug)]
struct OnDocker {
    clock: Arc<SystemClock>,
    fleet: Arc<DockerFleet>,
    second: Arc<DockerFleet>,
    other: Arc<DockerFleet>,
    // Last, so that the containers are removed when nobody watches them any more.
    stages: [Stage; 2],
    runtime: Runtime,
}

impl OnDocker {
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let stages = [Stage::new(), Stage::new()];
        let connect = |stage: &Stage| {
            let config = stage.http_config().with_zone(Zone::new("second").unwrap());
            Arc::new(runtime.block_on(DockerFleet::connect(config)).unwrap())
        };
        let (fleet, second, other) = (connect(&stages[0]), connect(&stages[0]), connect(&stages[1]));
        Self { clock: Arc::new(SystemClock::new()), fleet, second, other, stages, runtime }
    }
}

#[async_trait]
impl Harness for OnDocker {
    fn clock(&self) -> Arc<dyn Clock> {
        Arc::<SystemClock>::clone(&self.clock)
    }
}

impl FleetHarness for OnDocker {
    fn fleet(&self) -> Arc<dyn Fleet> {
        Arc::<DockerFleet>::clone(&self.fleet)
    }

    fn good_image(&self) -> Digest {
        plain_image(&self.stages[0].api)
    }

    fn never_ready_image(&self) -> Digest {
        never_ready_image(&self.stages[0].api)
    }

    fn unknown_instance(&self) -> InstanceId {
        InstanceId::new("0".repeat(64)).unwrap()
    }

    fn second_view(&self) -> Option<Arc<dyn Fleet>> {
        Some(Arc::<DockerFleet>::clone(&self.second))
    }

    fn other_fleet(&self) -> Option<Arc<dyn Fleet>> {
        Some(Arc::<DockerFleet>::clone(&self.other))
    }

    fn patience(&self) -> Duration {
        PATIENCE
    }

    fn watch_never_ready(&self) -> Duration {
        Duration::from_secs(2)
    }

    fn poll_interval(&self) -> Duration {
        Duration::from_millis(100)
    }
}

immutable_testkit::fleet_conformance! {
    harness: OnDocker::new(),
    run: |harness, case| harness.runtime.block_on(case),
}
