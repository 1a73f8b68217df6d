//! The store in memory does what every store must do, in virtual time and on a runtime with threads.

use std::sync::Arc;

use async_trait::async_trait;
use immutable_core::Timestamp;
use immutable_core::controller::{Clock, SystemClock};
use immutable_core::journal::{JournalStore, MemoryStore};
use immutable_testkit::clock::VirtualClock;
use immutable_testkit::conformance::Harness;
use immutable_testkit::conformance::journal_store::JournalStoreHarness;

#[derive(Debug)]
struct Memory<C> {
    clock: C,
    store: Arc<MemoryStore>,
}

impl<C> Memory<C> {
    fn new(clock: C) -> Self {
        Self { clock, store: Arc::new(MemoryStore::default()) }
    }
}

impl<C: Clock + Clone + 'static> Harness for Memory<C> {
    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(self.clock.clone())
    }
}

#[async_trait]
impl<C: Clock + Clone + 'static> JournalStoreHarness for Memory<C> {
    fn store(&self) -> Arc<dyn JournalStore> {
        Arc::<MemoryStore>::clone(&self.store)
    }

    fn second_view(&self) -> Option<Arc<dyn JournalStore>> {
        Some(self.store())
    }
}

mod virtual_time {
    use super::*;

    immutable_testkit::journal_store_conformance! {
        harness: Memory::new(VirtualClock::new(Timestamp::UNIX_EPOCH)),
        run: |harness, case| harness.clock.run(case),
    }
}

mod on_a_runtime {
    use super::*;

    immutable_testkit::journal_store_conformance! {
        harness: Memory::new(SystemClock::new()),
        run: |_harness, case| {
            tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(case)
        },
    }
}
