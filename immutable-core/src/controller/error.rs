use crate::digest::Digest;
use crate::fleet::FleetError;
use crate::id::{FleetId, GateName, RolloutId};
use crate::journal::JournalError;
use crate::planner::IllegalTransition;

/// Why a controller stopped before its rollout ended. The journal stays open: call
/// [`Controller::resume`](super::Controller::resume) once the cause is removed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ControllerError {
    /// See [`JournalError`]; after `Superseded` leave the rollout to the other controller.
    #[error("the rollout cannot go on")]
    Journal(#[from] JournalError),
    /// Nothing was begun: the fleet cannot take this rollout as it is.
    #[error("rollout {rollout} was not begun")]
    Refused {
        /// The rollout.
        rollout: RolloutId,
        /// Why, and the way out.
        #[source]
        source: FleetError,
    },
    /// Repair what the fleet complains about: what was begun cannot be finished without.
    #[error("rollout {rollout} cannot finish what it began")]
    Stuck {
        /// The rollout.
        rollout: RolloutId,
        /// What stands in the way.
        #[source]
        source: FleetError,
    },
    /// Use the fleet that the journal belongs to, or another name for the rollout.
    #[error(
        "the journal of rollout {rollout} belongs to fleet {theirs}, not to {ours}: give the rollout another name"
    )]
    OtherFleet {
        /// The rollout.
        rollout: RolloutId,
        /// The fleet of the journal.
        theirs: FleetId,
        /// The fleet of this controller.
        ours: FleetId,
    },
    /// Use another name for the rollout, or resume the one that is there.
    #[error("rollout {rollout} exists already, to {theirs} and not to {ours}: give the new one another name")]
    OtherTarget {
        /// The rollout.
        rollout: RolloutId,
        /// What the journal rolls out.
        theirs: Digest,
        /// What was asked for.
        ours: Digest,
    },
    /// Register the check with the controller.
    #[error("rollout {rollout} needs the check `{gate}`, which this controller does not have")]
    MissingGate {
        /// The rollout.
        rollout: RolloutId,
        /// The check.
        gate: GateName,
    },
    /// Give the controller a router, or the rollout a strategy without shares.
    #[error(
        "rollout {rollout} shares traffic between old and new, but this controller has no router to do it"
    )]
    MissingRouter {
        /// The rollout.
        rollout: RolloutId,
    },
    /// The caller cancelled it.
    #[error("rollout {rollout} was cancelled and can be resumed")]
    Cancelled {
        /// The rollout.
        rollout: RolloutId,
    },
    /// A defect of this library: please report it with the journal.
    #[error(
        "the controller made an illegal decision, a defect of this library: please report it with the journal"
    )]
    Defect(#[from] IllegalTransition),
}
