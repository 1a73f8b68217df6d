//! The router in memory does what every router must do.

use std::sync::Arc;

use async_trait::async_trait;
use immutable_core::Timestamp;
use immutable_core::controller::Clock;
use immutable_core::fleet::Router;
use immutable_testkit::clock::VirtualClock;
use immutable_testkit::conformance::Harness;
use immutable_testkit::conformance::router::RouterHarness;
use immutable_testkit::router::MemoryRouter;

#[derive(Debug)]
struct Memory {
    clock: VirtualClock,
    router: Arc<MemoryRouter>,
}

impl Memory {
    fn new() -> Self {
        let clock = VirtualClock::new(Timestamp::UNIX_EPOCH);
        let router = Arc::new(MemoryRouter::new(clock.shared()));
        Self { clock, router }
    }
}

impl Harness for Memory {
    fn clock(&self) -> Arc<dyn Clock> {
        self.clock.shared()
    }
}

#[async_trait]
impl RouterHarness for Memory {
    fn router(&self) -> Arc<dyn Router> {
        Arc::<MemoryRouter>::clone(&self.router)
    }

    async fn restart(&self) -> bool {
        self.router.restart();
        true
    }
}

immutable_testkit::router_conformance! {
    harness: Memory::new(),
    run: |harness, case| harness.clock.run(case),
}
