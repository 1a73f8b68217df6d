//! The fleet in memory does what every fleet must do, with and without what it may lack.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::sync::Arc;
use std::time::Duration;

use immutable_core::controller::Clock;
use immutable_core::fleet::Fleet;
use immutable_core::{Digest, FleetId, Timestamp, Zone};
use immutable_testkit::clock::VirtualClock;
use immutable_testkit::conformance::Harness;
use immutable_testkit::conformance::fleet::FleetHarness;
use immutable_testkit::fleet::{EffectTime, ImageBehaviour, MemoryFleet, MemoryFleetBuilder, Operation};

#[derive(Debug)]
struct Memory {
    clock: VirtualClock,
    fleet: Arc<MemoryFleet>,
    other: Arc<MemoryFleet>,
}

impl Memory {
    fn new(configure: impl Fn(MemoryFleetBuilder) -> MemoryFleetBuilder) -> Self {
        let clock = VirtualClock::new(Timestamp::UNIX_EPOCH);
        let build = |name: &str| {
            let builder = MemoryFleet::builder(FleetId::new(name).unwrap(), clock.shared())
                .zones(["a", "b", "c"].map(|zone| Zone::new(zone).unwrap()))
                .image(Digest::of(b"good"), ImageBehaviour::Healthy)
                .image(Digest::of(b"bad"), ImageBehaviour::NeverReady)
                .running(2, Digest::of(b"old"));
            configure(builder).build()
        };
        let (fleet, other) = (build("web"), build("mail"));
        Self { clock, fleet, other }
    }
}

impl Harness for Memory {
    fn clock(&self) -> Arc<dyn Clock> {
        self.clock.shared()
    }
}

impl FleetHarness for Memory {
    fn fleet(&self) -> Arc<dyn Fleet> {
        Arc::<MemoryFleet>::clone(&self.fleet)
    }

    fn good_image(&self) -> Digest {
        Digest::of(b"good")
    }

    fn never_ready_image(&self) -> Digest {
        Digest::of(b"bad")
    }

    fn second_view(&self) -> Option<Arc<dyn Fleet>> {
        Some(self.fleet())
    }

    fn other_fleet(&self) -> Option<Arc<dyn Fleet>> {
        Some(Arc::<MemoryFleet>::clone(&self.other))
    }
}

const MILLISECOND: Duration = Duration::from_millis(1);

mod at_once {
    use super::*;

    immutable_testkit::fleet_conformance! {
        harness: Memory::new(|builder| builder),
        run: |harness, case| harness.clock.run(case),
    }
}

mod slow_calls_and_late_lists {
    use super::*;

    immutable_testkit::fleet_conformance! {
        harness: Memory::new(|builder| {
            [Operation::Observe, Operation::Check, Operation::Launch, Operation::Drain, Operation::Terminate]
                .into_iter()
                .fold(builder, |builder, operation| builder.call_time(operation, MILLISECOND * 15))
                .effect_time(EffectTime::BeforeReturn)
                .listing_delay(MILLISECOND * 1500)
                .boot_jitter(MILLISECOND * 900)
                .tick(MILLISECOND * 100)
        }),
        run: |harness, case| harness.clock.run(case),
    }
}

mod without_capabilities {
    use super::*;

    immutable_testkit::fleet_conformance! {
        harness: Memory::new(|builder| builder.without_events().without_drain().max_batch(1)),
        run: |harness, case| harness.clock.run(case),
    }
}
