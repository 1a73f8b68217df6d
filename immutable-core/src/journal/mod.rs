//! The journal: the truth about a rollout, as a chain of commits that one pure function folds into its state.

mod commit;
mod error;
mod fold;
#[expect(clippy::module_inception, reason = "the file of the type `Journal`")]
mod journal;
mod memory;
mod observe;
mod record;
mod store;
mod turn;

pub use commit::Commit;
pub use error::JournalError;
pub use fold::Fold;
pub use journal::Journal;
pub use memory::MemoryStore;
pub use record::{Control, Fact, Intent, Outcome, Record};
pub use store::{Created, JournalStore, Key, StoreError};
pub use turn::Decided;
