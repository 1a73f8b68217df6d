//! The suite does not depend on virtual time: the same cases on a tokio runtime, as a real platform runs them.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::sync::Arc;
use std::time::Duration;

use immutable_core::controller::{Clock, SystemClock};
use immutable_core::fleet::Fleet;
use immutable_core::{Digest, FleetId};
use immutable_testkit::conformance::Harness;
use immutable_testkit::conformance::fleet::FleetHarness;
use immutable_testkit::fleet::{ImageBehaviour, MemoryFleet, Operation};

const MILLISECOND: Duration = Duration::from_millis(1);

#[derive(Debug)]
struct RealTime {
    clock: Arc<SystemClock>,
    fleet: Arc<MemoryFleet>,
}

impl RealTime {
    fn new() -> Self {
        let clock = Arc::new(SystemClock::new());
        let fleet = MemoryFleet::builder(FleetId::new("web").unwrap(), Arc::<SystemClock>::clone(&clock))
            .image(Digest::of(b"good"), ImageBehaviour::Healthy)
            .image(Digest::of(b"bad"), ImageBehaviour::NeverReady)
            .boot(MILLISECOND * 40)
            .stop(MILLISECOND * 20)
            .call_time(Operation::Launch, MILLISECOND * 10)
            .build();
        Self { clock, fleet }
    }
}

impl Harness for RealTime {
    fn clock(&self) -> Arc<dyn Clock> {
        Arc::<SystemClock>::clone(&self.clock)
    }
}

impl FleetHarness for RealTime {
    fn fleet(&self) -> Arc<dyn Fleet> {
        Arc::<MemoryFleet>::clone(&self.fleet)
    }

    fn good_image(&self) -> Digest {
        Digest::of(b"good")
    }

    fn never_ready_image(&self) -> Digest {
        Digest::of(b"bad")
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(20)
    }

    fn watch_never_ready(&self) -> Duration {
        MILLISECOND * 200
    }

    fn poll_interval(&self) -> Duration {
        MILLISECOND * 15
    }
}

immutable_testkit::fleet_conformance! {
    harness: RealTime::new(),
    run: |_harness, case| {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(case)
    },
}
