use std::fmt;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::gate::Judgement;
use crate::id::{GateName, Slot};
use crate::quantity::counted;

/// How a rollout ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Conclusion {
    /// Every instance runs the target.
    Completed,
    /// It failed, and every instance runs the previous image again.
    RolledBack {
        /// Why it failed.
        reason: FailReason,
    },
    /// It failed and stands where it was: by choice, because there is no previous image or it was revoked, or because going
    /// back failed too (a rollback is never rolled back). What serves is left for a person to judge; what the rollout
    /// launched and does not serve, because it broke or never came up, was taken away.
    Failed {
        /// Why.
        reason: FailReason,
        /// Why going back failed or was not possible, if that was to be done.
        rollback: Option<FailReason>,
    },
    /// Somebody aborted it; it stands where it was, without what it launched and does not serve.
    Aborted,
}

impl fmt::Display for Conclusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Completed => f.write_str("completed"),
            Self::RolledBack { reason } => write!(f, "rolled back: {reason}"),
            Self::Failed { reason, rollback: None } => write!(f, "failed: {reason}"),
            Self::Failed { reason, rollback: Some(second) } => {
                write!(f, "failed: {reason}; going back failed too: {second}")
            }
            Self::Aborted => f.write_str("aborted"),
        }
    }
}

/// Why a rollout failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum FailReason {
    /// More instances of the wanted image failed than are tolerated.
    TooManyFailures {
        /// How many.
        failures: u32,
        /// How many are tolerated.
        tolerated: u32,
        /// How the last one failed.
        last: String,
    },
    /// One slot failed more often than it may be tried again.
    SlotGivenUp {
        /// The slot.
        slot: Slot,
        /// How many instances failed in it.
        failures: u32,
        /// How the last one failed.
        last: String,
    },
    /// So many instances of the image failed in so many zones that the image itself is bad.
    Poisoned {
        /// The image.
        image: Digest,
        /// How many failed.
        failures: u32,
        /// In how many zones.
        zones: u32,
        /// How the last one failed.
        last: String,
    },
    /// The image was revoked.
    Revoked {
        /// The image.
        image: Digest,
    },
    /// The calendar closed before every instance was replaced, and says to go back then.
    WindowClosed,
    /// Nothing moved for the whole progress deadline.
    NoProgress,
    /// A check said no.
    Gate {
        /// The check.
        gate: GateName,
        /// What it said.
        judgement: Judgement,
    },
    /// Somebody asked for it.
    Requested,
}

impl fmt::Display for FailReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyFailures { failures, tolerated, last } => {
                let failed = counted(*failures, "instance");
                match tolerated {
                    0 => write!(f, "{failed} failed, none is tolerated (the last one: {last})"),
                    1 => write!(f, "{failed} failed, 1 is tolerated (the last one: {last})"),
                    _ => write!(f, "{failed} failed, {tolerated} are tolerated (the last one: {last})"),
                }
            }
            Self::SlotGivenUp { slot, failures, last } => {
                write!(
                    f,
                    "{} failed in {slot}, more than it may be tried again (the last one: {last})",
                    counted(*failures, "instance")
                )
            }
            Self::Poisoned { image, failures, zones, last } => {
                write!(
                    f,
                    "image {} failed {} in {} (the last time: {last})",
                    image.short(),
                    counted(*failures, "time"),
                    counted(*zones, "zone"),
                )
            }
            Self::Revoked { image } => write!(f, "image {} was revoked", image.short()),
            Self::WindowClosed => f.write_str("the calendar closed before every instance was replaced"),
            Self::NoProgress => f.write_str("no progress within the progress deadline"),
            Self::Gate { gate, judgement } => {
                write!(f, "check `{gate}` failed")?;
                for evidence in &judgement.evidence {
                    write!(f, ", {}: {}", evidence.what, evidence.seen)?;
                }
                Ok(())
            }
            Self::Requested => f.write_str("requested"),
        }
    }
}
