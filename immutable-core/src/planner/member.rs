use std::fmt;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::board::{Cell, Phase};
use super::roster::Name;
use crate::digest::Digest;
use crate::id::{InstanceId, Zone};
use crate::plan::Seat;
use crate::strategy::Reason;
use crate::time::Timestamp;

/// One instance as the journal knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Member<'s> {
    /// Its seat.
    pub seat: Seat,
    /// What it runs.
    pub image: Digest,
    /// Where.
    pub zone: &'s Zone,
    /// The platform's identifier, once a launch is confirmed.
    pub instance: Option<&'s InstanceId>,
    /// Where it takes requests, once known.
    pub endpoint: Option<SocketAddr>,
    /// What is known of it.
    pub condition: Condition,
    /// Why it was given up, if it was.
    pub cause: Option<&'s Cause>,
    /// It belongs to the new group: what stays at the end.
    pub is_new: bool,
    /// Why it is to be replaced, if it is.
    pub reason: Option<Reason>,
    /// It has been available, so it belongs in the router until it is retired or breaks.
    pub in_service: bool,
    /// Somebody protects it or lets it stand by, and the rollout must not touch it.
    pub is_apart: bool,
    /// Somebody took it out of service: ready or not, it serves nobody and does not count as available.
    pub stands_by: bool,
}

/// What is known of a member. Moves forward, but for ready, available and suspect among each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Its launch is intended or confirmed; it has not been ready yet.
    Launching {
        /// Since when.
        since: Timestamp,
    },
    /// Ready since then, but not yet for the minimum time.
    Ready {
        /// Since when without a break.
        since: Timestamp,
    },
    /// Ready for at least the minimum time: the only condition that counts as available.
    Available,
    /// Was ready; now it is not, or nobody knows. Not counted available, and not given up yet.
    Suspect {
        /// Since when.
        since: Timestamp,
    },
    /// Given up; to be replaced.
    Broken,
    /// Its retirement is intended.
    Retiring {
        /// Since when.
        since: Timestamp,
    },
}

/// Why a member was given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Cause {
    /// It ended by itself or by somebody; what the platform says about it.
    Stopped(String),
    /// The platform no longer lists it: somebody removed it. No fault of its image.
    Missing,
    /// It did not become ready, or ready again, within the healthy deadline.
    HealthyDeadline,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped(reason) => write!(f, "stopped: {reason}"),
            Self::Missing => f.write_str("removed from outside"),
            Self::HealthyDeadline => f.write_str("not ready within the healthy deadline"),
        }
    }
}

/// A change of one member that was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Observation {
    /// It answers its health check.
    Ready {
        /// Where it takes requests.
        endpoint: Option<SocketAddr>,
    },
    /// It has been ready for the minimum time.
    Available,
    /// It no longer answers, or nobody knows.
    Suspect,
    /// It is given up.
    Broken(Cause),
}

impl<'s> Member<'s> {
    pub(super) fn new(cell: &Cell, image: Digest, zone: &'s Zone, name: Option<&'s Name>) -> Self {
        let since = cell.since;
        Self {
            seat: cell.seat,
            image,
            zone,
            instance: name.and_then(|name| name.instance.as_ref()),
            endpoint: name.and_then(|name| name.endpoint),
            condition: match cell.phase {
                Phase::Intended | Phase::Launching => Condition::Launching { since },
                Phase::Ready => Condition::Ready { since },
                Phase::Available => Condition::Available,
                Phase::Suspect => Condition::Suspect { since },
                Phase::Broken => Condition::Broken,
                Phase::Retiring => Condition::Retiring { since },
            },
            cause: name.and_then(|name| name.cause.as_ref()),
            is_new: !cell.is_old(),
            reason: cell.reason.filter(|_| cell.is_old()),
            in_service: cell.in_service,
            is_apart: cell.fixed,
            stands_by: cell.standby,
        }
    }

    /// Whether nobody intends its retirement.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        !matches!(self.condition, Condition::Retiring { .. })
    }

    /// Whether it counts as available.
    #[must_use]
    pub const fn is_available(&self) -> bool {
        matches!(self.condition, Condition::Available) && !self.stands_by
    }

    /// Whether it was given up.
    #[must_use]
    pub const fn is_broken(&self) -> bool {
        matches!(self.condition, Condition::Broken)
    }

    /// Whether the router shall send it traffic: it has been available, and since then was neither retired nor given
    /// up, nor taken out of service by somebody. A suspect one keeps its traffic: the router has its own checks, and a controller that lost sight of a whole
    /// fleet must not take it out of service.
    #[must_use]
    pub const fn serves(&self) -> bool {
        self.in_service
            && !self.stands_by
            && matches!(
                self.condition,
                Condition::Ready { .. } | Condition::Available | Condition::Suspect { .. }
            )
    }
}
