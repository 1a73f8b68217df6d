use std::sync::Arc;

use async_trait::async_trait;
use immutable_core::RolloutId;
use immutable_core::journal::JournalStore;

use crate::conformance::Harness;

/// How the suite gets at a store.
#[async_trait]
pub trait JournalStoreHarness: Harness {
    /// The store under test.
    fn store(&self) -> Arc<dyn JournalStore>;

    /// A name that no rollout in the store had before this harness was made, beginning with this text. The default is
    /// right for a store that is new in each harness.
    fn rollout(&self, name: &str) -> RolloutId {
        #[expect(clippy::expect_used, reason = "the suite asks for valid names only")]
        RolloutId::new(name).expect("a valid name")
    }

    /// The same store through another object, as another process has it.
    fn second_view(&self) -> Option<Arc<dyn JournalStore>> {
        None
    }

    /// Closes the store and opens it again, as after a restart of the machine, if what it stores outlives its object.
    async fn reopen(&self) -> Option<Arc<dyn JournalStore>> {
        None
    }
}
