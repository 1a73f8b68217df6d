use super::{Key, StoreError};
use crate::id::{RolloutId, WriterId};
use crate::planner::IllegalTransition;

/// Why a journal could not be read or written. Kinds are named by what the caller must do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// Look after the store, then try again.
    #[error("the journal of rollout {rollout} cannot be reached")]
    Store {
        /// The rollout.
        rollout: RolloutId,
        /// What the store said.
        #[source]
        source: StoreError,
    },
    /// Restore the object from a backup, or look at the fleet and begin a rollout with a new name. Nothing was changed.
    #[error(
        "the journal object {key} is damaged: {reason}; restore it from a backup, or look at the fleet and begin a \
         rollout with a new name"
    )]
    Damaged {
        /// Where.
        key: Key,
        /// What is wrong with it.
        reason: String,
    },
    /// Go on with the version that wrote it, or a later one. Nothing was changed.
    #[error(
        "the journal object {key} is whole, so a newer version of this library wrote it, and this one does not know what \
         it says: {reason}; go on with that version or a later one"
    )]
    Newer {
        /// Where.
        key: Key,
        /// What is not known.
        reason: String,
    },
    /// As for a damaged one: the object is whole, but nobody who keeps the protocol wrote it.
    #[error(
        "the journal object {key} breaks the protocol; restore it from a backup, or look at the fleet and begin a \
         rollout with a new name"
    )]
    Illegal {
        /// Where.
        key: Key,
        /// How.
        #[source]
        source: IllegalTransition,
    },
    /// Stop: another controller has taken over.
    #[error("rollout {rollout} was taken over by {by}, epoch {epoch}")]
    Superseded {
        /// The rollout.
        rollout: RolloutId,
        /// Who.
        by: WriterId,
        /// Their epoch.
        epoch: u64,
    },
    /// Decide anew: somebody else wrote, and the state is not what it was.
    #[error("somebody else wrote to the journal of rollout {rollout}")]
    Moved {
        /// The rollout.
        rollout: RolloutId,
    },
    /// Choose another name, or check it: there is no such rollout.
    #[error("there is no journal of a rollout {rollout}: check the name, or begin it first")]
    NotFound {
        /// The rollout.
        rollout: RolloutId,
    },
}
