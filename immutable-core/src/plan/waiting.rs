use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{GateName, Zone};
use crate::time::Timestamp;

/// Why a slot is not moving. Data, so that "why is my rollout not moving?" has a printed answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
    /// Its zone has no room for more instances (`max_surge_per_zone`).
    ZoneSurge {
        /// The zone.
        zone: Zone,
    },
    /// No fewer instances of its zone may be available (`max_unavailable_per_zone`).
    ZoneAvailable {
        /// The zone.
        zone: Zone,
    },
    /// Other slots come before it: it leads them, or its zone or its number is not yet the next.
    Order,
    /// Somebody protects the instance.
    Protected,
    /// The instance stands by.
    Standby,
    /// Its instance goes by itself, or when somebody asks for it.
    Passive,
    /// It owns a volume, so its instance must be gone before the next one comes, and no fewer may be available.
    Volume,
    /// An instance failed here; the next one is launched at this time.
    Retry {
        /// When.
        until: Timestamp,
    },
    /// The next launch is allowed at this time (`launch_rate`).
    Rate {
        /// When.
        until: Timestamp,
    },
    /// Another image would be one more than may exist at once (`max_versions`).
    Versions,
    /// The old group must carry more of the traffic than the rest of it can.
    Traffic,
    /// The stage keeps this instance.
    Stage,
    /// The calendar is closed.
    Window {
        /// When it opens, if it ever does.
        opens: Option<Timestamp>,
    },
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
            Self::ZoneSurge { zone } => {
                write!(f, "no more instances may exist in {zone} (max_surge_per_zone)")
            }
            Self::ZoneAvailable { zone } => {
                write!(f, "no fewer instances of {zone} may be available (max_unavailable_per_zone)")
            }
            Self::Order => f.write_str("other slots come before it"),
            Self::Protected => f.write_str("its instance is protected"),
            Self::Standby => f.write_str("its instance stands by"),
            Self::Passive => f.write_str("its instance goes by itself, or when somebody asks for it"),
            Self::Volume => f.write_str("owns a volume: its instance must leave first, and no fewer may be available (max_unavailable)"),
            Self::Retry { until } => write!(f, "rests after a failure until {until} (retry_delay)"),
            Self::Rate { until } => write!(f, "the next launch is allowed at {until} (launch_rate)"),
            Self::Versions => f.write_str("one more image may not exist (max_versions)"),
            Self::Traffic => f.write_str("fewer old instances could not carry their share of the traffic"),
            Self::Stage => f.write_str("kept by this stage"),
            Self::Window { opens: Some(opens) } => write!(f, "the calendar opens at {opens}"),
            Self::Window { opens: None } => f.write_str("the calendar does not open any more"),
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
