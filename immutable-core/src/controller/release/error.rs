use crate::controller::ControllerError;
use crate::id::{FleetId, RolloutId};
use crate::journal::JournalError;
use crate::planner::IllegalTransition;

/// Why a controller stopped before its release ended. The journal stays open: call
/// [`ReleaseController::resume`](super::ReleaseController::resume) once the cause is removed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReleaseRunError {
    /// See [`JournalError`]; after `Superseded` leave the release to the other controller.
    #[error("the release cannot go on")]
    Journal(#[from] JournalError),
    /// Add a controller for the fleet of this group.
    #[error("release {release} has a group `{group}`, for whose fleet there is no controller: add one")]
    NoController {
        /// The release.
        release: RolloutId,
        /// The group.
        group: FleetId,
    },
    /// Nothing was begun: a group could not take its rollout as it is.
    #[error("release {release} was not begun, because of group `{group}`")]
    Refused {
        /// The release.
        release: RolloutId,
        /// The group.
        group: FleetId,
        /// Why, and the way out.
        #[source]
        source: Box<ControllerError>,
    },
    /// Use another name for the release, or resume the one that is there.
    #[error(
        "release {release} exists already, with other groups, rollouts or targets: give the new one another name"
    )]
    OtherRelease {
        /// The release.
        release: RolloutId,
    },
    /// Remove what stopped the group, then resume. The other groups finished what they were at; none has begun since.
    #[error("release {release} cannot go on, because of group `{group}`")]
    Group {
        /// The release.
        release: RolloutId,
        /// The group.
        group: FleetId,
        /// What stopped it.
        #[source]
        source: Box<ControllerError>,
    },
    /// The caller cancelled it.
    #[error("release {release} was cancelled and can be resumed")]
    Cancelled {
        /// The release.
        release: RolloutId,
    },
    /// A defect of this library: please report it with the journal.
    #[error(
        "the controller made an illegal decision, a defect of this library: please report it with the journal"
    )]
    Defect(#[from] IllegalTransition),
}
