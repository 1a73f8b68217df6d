use serde::{Deserialize, Serialize};

use crate::id::FleetId;
use crate::planner::Conclusion;

/// What changes a [`Release`](super::Release). Facts in the order in which they happened; the release is their fold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum ReleaseEvent {
    /// The group's rollout begins. Not only what is ready first: any group whose barriers are passed, while there is room.
    Begin {
        /// Which.
        group: FleetId,
    },
    /// The group's rollout, or its way back, ended.
    End {
        /// Which.
        group: FleetId,
        /// What it runs now.
        outcome: GroupOutcome,
    },
    /// The group goes back, because the release does.
    TurnBack {
        /// Which.
        group: FleetId,
    },
    /// Somebody put right what made the group fail, and it begins anew; a stranded one its way back.
    Retry {
        /// Which.
        group: FleetId,
    },
    /// Somebody decided that the whole release goes back. Final: a rollback is never rolled back.
    RollBack,
}

/// What a group runs at the end of its rollout or of its way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupOutcome {
    /// The target, everywhere.
    Done,
    /// What it ran before the release, everywhere.
    RolledBack,
    /// Neither for certain: it stands where it was.
    Failed,
}

impl GroupOutcome {
    /// The outcome of a rollout to the target that was concluded like this.
    ///
    /// Not of a way back that is a rollout of its own: what that one completes is [`GroupOutcome::RolledBack`].
    ///
    /// ```
    /// use immutable_core::planner::Conclusion;
    /// use immutable_core::release::GroupOutcome;
    ///
    /// assert_eq!(GroupOutcome::of(&Conclusion::Completed), GroupOutcome::Done);
    /// assert_eq!(GroupOutcome::of(&Conclusion::Aborted), GroupOutcome::Failed);
    /// ```
    #[must_use]
    pub const fn of(conclusion: &Conclusion) -> Self {
        match conclusion {
            Conclusion::Completed => Self::Done,
            Conclusion::RolledBack { .. } => Self::RolledBack,
            Conclusion::Failed { .. } | Conclusion::Aborted => Self::Failed,
        }
    }
}
