//! The journal: the truth about a rollout or a release, as a chain of commits that one pure function folds into its state.

mod checkpoint;
mod commit;
mod error;
mod fold;
#[expect(clippy::module_inception, reason = "the file of the type `Journal`")]
mod journal;
mod memory;
mod observe;
mod record;
mod release_record;
mod release_state;
mod store;
mod subject;
mod timeline;
mod transition;
mod turn;

pub use commit::{Commit, Unreadable};
pub use error::JournalError;
pub use fold::Fold;
pub use journal::Journal;
pub use memory::MemoryStore;
pub use record::{Control, Fact, Intent, Outcome, Record};
pub use release_record::{ReleaseControl, ReleaseRecord};
pub use release_state::{Leg, ReleaseState};
pub use store::{Created, JournalStore, Key, Part, StoreError};
pub use subject::Subject;
pub use timeline::Reading;
pub use turn::Decided;
