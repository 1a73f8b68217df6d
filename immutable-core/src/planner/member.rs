use std::fmt;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::fleet::{Health, Phase};
use crate::id::{InstanceId, Zone};
use crate::plan::{Adopted, Seat};
use crate::time::Timestamp;

/// One instance as the journal knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Member {
    /// Its seat.
    pub seat: Seat,
    /// What it runs.
    pub image: Digest,
    /// Where.
    pub zone: Zone,
    /// The platform's identifier, once a launch is confirmed.
    pub instance: Option<InstanceId>,
    /// Where it takes requests, once known.
    pub endpoint: Option<SocketAddr>,
    /// What is known of it.
    pub condition: Condition,
    /// When its launch was intended, then confirmed; of an adopted one, when the platform started it.
    pub launched_at: Timestamp,
    /// It has been available, so it belongs in the router until it is retired or breaks.
    pub in_service: bool,
}

/// What is known of a member. Moves forward, but for ready, available and suspect among each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Its launch is intended or confirmed; it has not been ready yet.
    Launching,
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
    Broken {
        /// Why.
        cause: Cause,
    },
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

impl Member {
    /// The member that an instance found at the start, or later from outside, becomes.
    pub(super) fn adopt(adopted: &Adopted, min_ready: std::time::Duration, now: Timestamp) -> Self {
        let instance = &adopted.instance;
        let condition = match &instance.phase {
            Phase::Launching => Condition::Launching,
            // Since when it has been ready is not known; since its launch is the best the platform can tell.
            Phase::Running(Health::Ready) if now.since(instance.launched_at) >= min_ready => {
                Condition::Available
            }
            Phase::Running(Health::Ready) => Condition::Ready { since: instance.launched_at },
            Phase::Running(Health::Unknown | Health::Unready) => Condition::Suspect { since: now },
            Phase::Stopping => Condition::Broken { cause: Cause::Stopped("being stopped".to_owned()) },
            Phase::Stopped { reason } => Condition::Broken { cause: Cause::Stopped(reason.clone()) },
        };
        Self {
            seat: adopted.seat,
            image: instance.image,
            zone: instance.zone.clone(),
            instance: Some(instance.id.clone()),
            endpoint: instance.endpoint,
            // Whoever launched it has put it in the router; only what cannot have served has not.
            in_service: !matches!(condition, Condition::Launching | Condition::Broken { .. }),
            condition,
            launched_at: instance.launched_at,
        }
    }

    /// Whether it exists and nobody gave it up: it will serve, serves, or may serve again.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        !matches!(self.condition, Condition::Retiring { .. })
    }

    /// Whether it counts as available.
    #[must_use]
    pub const fn is_available(&self) -> bool {
        matches!(self.condition, Condition::Available)
    }

    /// Whether it was given up.
    #[must_use]
    pub const fn is_broken(&self) -> bool {
        matches!(self.condition, Condition::Broken { .. })
    }

    /// Whether the router shall send it traffic: it has been available, and since then was neither retired nor given
    /// up. A suspect one keeps its traffic: the router has its own checks, and a controller that lost sight of a whole
    /// fleet must not take it out of service.
    #[must_use]
    pub const fn serves(&self) -> bool {
        self.in_service
            && matches!(
                self.condition,
                Condition::Ready { .. } | Condition::Available | Condition::Suspect { .. }
            )
    }
}
