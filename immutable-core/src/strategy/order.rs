use std::fmt;

use serde::{Deserialize, Serialize};

/// In which order the slots of a fleet are worked off.
///
/// Whatever the order, a broken instance is replaced at once, an instance that leads comes last, and an instance that was
/// marked (drifted, revoked, asked for) comes before those that were not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SlotOrder {
    /// The oldest instance first, in turn from every zone. The default: an old instance is the likeliest to have drifted,
    /// and no zone loses more than its part at a time.
    #[default]
    Oldest,
    /// By a hash of the fleet and the slot, in turn from every zone: the same slots come first in every rollout, so that
    /// the people behind them know that they are the early ones.
    Hashed,
    /// One zone after the other, as the rollout lists them; within a zone the oldest first.
    ZoneByZone,
    /// The highest number first and slot 0 last, each begun only when those before it are done, as Kubernetes does with a
    /// `StatefulSet`.
    Descending,
}

impl fmt::Display for SlotOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Oldest => "the oldest first",
            Self::Hashed => "in the same order in every rollout",
            Self::ZoneByZone => "zone by zone",
            Self::Descending => "the highest slot first",
        })
    }
}
