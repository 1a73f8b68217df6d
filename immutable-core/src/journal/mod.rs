//! The journal: the truth about a rollout, as a chain of commits.

mod store;

pub use store::{Created, JournalStore, Key, StoreError};
