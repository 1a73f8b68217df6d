//! The catalog in memory does what every catalog must do.

use std::sync::Arc;

use immutable_core::Timestamp;
use immutable_core::controller::Clock;
use immutable_core::image::Catalog;
use immutable_testkit::catalog::MemoryCatalog;
use immutable_testkit::clock::VirtualClock;
use immutable_testkit::conformance::Harness;
use immutable_testkit::conformance::catalog::CatalogHarness;

#[derive(Debug)]
struct Memory {
    clock: VirtualClock,
    catalog: Arc<MemoryCatalog>,
}

impl Memory {
    fn new() -> Self {
        Self { clock: VirtualClock::new(Timestamp::UNIX_EPOCH), catalog: Arc::new(MemoryCatalog::new()) }
    }
}

impl Harness for Memory {
    fn clock(&self) -> Arc<dyn Clock> {
        self.clock.shared()
    }
}

impl CatalogHarness for Memory {
    fn catalog(&self) -> Arc<dyn Catalog> {
        Arc::<MemoryCatalog>::clone(&self.catalog)
    }
}

immutable_testkit::catalog_conformance! {
    harness: Memory::new(),
    run: |harness, case| harness.clock.run(case),
}
