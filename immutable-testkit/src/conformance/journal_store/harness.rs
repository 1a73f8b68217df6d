use std::sync::Arc;

use async_trait::async_trait;
use immutable_core::RolloutId;
use immutable_core::journal::{JournalStore, Key};

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

    /// Puts these bytes in place of an object behind the back of the store, as a disk does that forgets or mistakes
    /// something. `false` if the harness cannot.
    async fn damage(&self, _key: &Key, _bytes: &[u8]) -> bool {
        false
    }

    /// Takes away the room for another object of a mebibyte. `false` if the harness cannot.
    async fn fill(&self) -> bool {
        false
    }

    /// Gives the room back.
    async fn make_room(&self) {}

    /// Takes away the right to write. `false` if the harness cannot.
    async fn forbid(&self) -> bool {
        false
    }

    /// Gives the right back.
    async fn permit(&self) {}
}
