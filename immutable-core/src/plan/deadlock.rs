use std::fmt;

use serde::{Deserialize, Serialize};

use super::WaitingOn;
use crate::id::Slot;

/// Nothing is under way, nothing may be begun, and no time will change that: what bars it, and what would free it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Deadlock {
    /// What the slots wait for, each reason once with the first slot that has it.
    pub blocked: Vec<(Slot, WaitingOn)>,
    /// The smallest changes that let the rollout finish; each of them suffices. Empty when none was found.
    pub ways_out: Vec<Vec<Relaxation>>,
}

impl Deadlock {
    pub(crate) const fn new(blocked: Vec<(Slot, WaitingOn)>, ways_out: Vec<Vec<Relaxation>>) -> Self {
        Self { blocked, ways_out }
    }
}

/// One change of what bars a rollout. Numbers are of instances.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Relaxation {
    /// Raise `max_surge`.
    MaxSurge {
        /// What it is.
        from: u32,
        /// The least that suffices.
        to: u32,
    },
    /// Raise `max_unavailable`.
    MaxUnavailable {
        /// What it is.
        from: u32,
        /// The least that suffices.
        to: u32,
    },
    /// Raise `max_surge_per_zone`.
    MaxSurgePerZone {
        /// What it is, in the smallest zone.
        from: u32,
        /// The least that suffices.
        to: u32,
    },
    /// Raise `max_unavailable_per_zone`.
    MaxUnavailablePerZone {
        /// What it is, in the smallest zone.
        from: u32,
        /// The least that suffices.
        to: u32,
    },
    /// Raise `max_versions`.
    MaxVersions {
        /// What it is.
        from: u32,
        /// The least that suffices.
        to: u32,
    },
    /// Free the instances of these slots: no longer protect them, or let them stand by.
    Free {
        /// The slots.
        slots: Vec<Slot>,
    },
    /// Give up the order in which slots or zones are worked off.
    Order,
}

impl fmt::Display for Relaxation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MaxSurge { from, to } => write!(f, "max_surge {to} instead of {from}"),
            Self::MaxUnavailable { from, to } => write!(f, "max_unavailable {to} instead of {from}"),
            Self::MaxSurgePerZone { from, to } => write!(f, "max_surge_per_zone {to} instead of {from}"),
            Self::MaxUnavailablePerZone { from, to } => {
                write!(f, "max_unavailable_per_zone {to} instead of {from}")
            }
            Self::MaxVersions { from, to } => write!(f, "max_versions {to} instead of {from}"),
            Self::Free { slots } => {
                f.write_str("free")?;
                for slot in slots.iter().take(5) {
                    write!(f, " {slot}")?;
                }
                if slots.len() > 5 {
                    write!(f, " and {} more", slots.len() - 5)?;
                }
                Ok(())
            }
            Self::Order => f.write_str("no order of slots or zones"),
        }
    }
}

impl fmt::Display for Deadlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nothing can move")?;
        for (number, (slot, reason)) in self.blocked.iter().enumerate() {
            write!(f, "{} {slot}: {reason}", if number == 0 { ":" } else { ";" })?;
        }
        match self.ways_out.as_slice() {
            [] => f.write_str("; no single limit or pair of limits would free it"),
            ways => {
                for (number, way) in ways.iter().enumerate() {
                    f.write_str(if number == 0 { "; what would free it: " } else { ", or " })?;
                    for (number, relaxation) in way.iter().enumerate() {
                        write!(f, "{}{relaxation}", if number == 0 { "" } else { " together with " })?;
                    }
                }
                Ok(())
            }
        }
    }
}
