use std::fmt;

use serde::Serialize;

use crate::id::GateName;
use crate::time::Timestamp;

/// Why a slot is not moving. Data, so that "why is my rollout not moving?" has a printed answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WaitingOn {
    /// The platform has not confirmed the launch.
    Launch,
    /// The instance is not ready yet; it counts as broken from this time on.
    Ready {
        /// The healthy deadline.
        deadline: Timestamp,
    },
    /// The instance has not been ready for the minimum time yet.
    MinReady {
        /// When it will have been.
        until: Timestamp,
    },
    /// The instance was ready, and now it is not or nobody knows; it counts as broken from this time on.
    Recovery {
        /// The healthy deadline.
        deadline: Timestamp,
    },
    /// The instance finishes its sessions and stops.
    Drain,
    /// No more instances may exist (`max_surge`).
    Surge,
    /// No fewer instances may be available (`max_unavailable`).
    Available,
    /// The stage keeps this instance.
    Stage,
    /// The complete stage must stand until this time.
    Bake {
        /// When.
        until: Timestamp,
    },
    /// Somebody must approve.
    Approval {
        /// What to approve.
        name: GateName,
    },
    /// A check has not passed yet.
    Gate {
        /// The check.
        name: GateName,
    },
    /// A check came to no verdict; approving it by its name lets the rollout go on.
    Inconclusive {
        /// The check.
        name: GateName,
    },
    /// The rollout is paused.
    Paused,
    /// The rollout ends once what was begun is finished.
    Ending,
}

impl fmt::Display for WaitingOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Launch => f.write_str("the platform has not confirmed the launch"),
            Self::Ready { deadline } => write!(f, "not ready yet, broken from {deadline} on"),
            Self::MinReady { until } => write!(f, "ready, must stay so until {until}"),
            Self::Recovery { deadline } => write!(f, "no longer ready, broken from {deadline} on"),
            Self::Drain => f.write_str("finishing its sessions and stopping"),
            Self::Surge => f.write_str("no more instances may exist (max_surge)"),
            Self::Available => f.write_str("no fewer instances may be available (max_unavailable)"),
            Self::Stage => f.write_str("kept by this stage"),
            Self::Bake { until } => write!(f, "the stage bakes until {until}"),
            Self::Approval { name } => write!(f, "needs the approval `{name}`"),
            Self::Gate { name } => write!(f, "check `{name}` has not passed yet"),
            Self::Inconclusive { name } => {
                write!(f, "check `{name}` is inconclusive: approve `{name}` to go on, or roll back")
            }
            Self::Paused => f.write_str("the rollout is paused"),
            Self::Ending => f.write_str("the rollout is ending"),
        }
    }
}
