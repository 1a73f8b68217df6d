use std::fmt;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::id::{Attempt, Slot, Zone};
use crate::strategy::Share;

/// One attempt in one slot: what names an instance through a whole rollout, before and after the platform gave it an
/// identifier.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Seat {
    /// The slot.
    pub slot: Slot,
    /// The attempt in it.
    pub attempt: Attempt,
}

impl Seat {
    /// The seat of this attempt in this slot.
    #[must_use]
    pub const fn new(slot: u32, attempt: u32) -> Self {
        Self { slot: Slot(slot), attempt: Attempt(attempt) }
    }
}

impl fmt::Display for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.slot, self.attempt.0)
    }
}

impl fmt::Debug for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One thing to do, named so precisely that doing it twice is doing it once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Step {
    /// Launch an instance.
    Launch {
        /// The seat; with the rollout it gives the launch token.
        seat: Seat,
        /// Where.
        zone: Zone,
        /// What.
        image: Digest,
    },
    /// Take an instance out of service, let it finish, stop and remove it.
    Retire {
        /// The seat.
        seat: Seat,
    },
    /// Give the new group this share of the traffic, and the old one the rest.
    Shift {
        /// The share.
        share: Share,
    },
    /// Go on to a stage; its predecessor is complete and its gates have passed.
    Advance {
        /// The stage, from 0.
        stage: usize,
    },
}
