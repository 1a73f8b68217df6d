use std::fmt;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::fleet::Instance;
use crate::seed::Seed;
use crate::time::Timestamp;

/// Why an instance is to be replaced: what makes it a member of the old group. In order of urgency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// It is not, or no longer, what its image says.
    Drifted,
    /// Its image, or an ancestor of it, was revoked.
    Revoked,
    /// Somebody asked for it.
    Requested,
    /// It has lived for as long as it may.
    Aged,
    /// It runs another image than the target.
    OtherImage,
}

impl Reason {
    /// Whether it is something known against the instance itself, whichever image is wanted and however old it is.
    pub(crate) const fn is_asked(self) -> bool {
        matches!(self, Self::Drifted | Self::Revoked | Self::Requested)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Drifted => "drifted from its image",
            Self::Revoked => "its image was revoked",
            Self::Requested => "its replacement was asked for",
            Self::Aged => "older than allowed",
            Self::OtherImage => "runs another image",
        })
    }
}

/// An instance that a strategy may choose for replacement.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Candidate<'a> {
    /// The instance.
    pub instance: &'a Instance,
    /// The image that the rollout brings.
    pub target: Digest,
    /// What else is known against the instance: drifted, revoked, requested.
    pub mark: Option<Reason>,
    /// When the instances were looked at.
    pub now: Timestamp,
    /// For choices that nothing else decides; the same in every rollout of the fleet.
    pub seed: Seed,
}

impl<'a> Candidate<'a> {
    /// An instance of which nothing is known but what it shows.
    #[must_use]
    pub const fn new(instance: &'a Instance, target: Digest, now: Timestamp) -> Self {
        Self { instance, target, mark: None, now, seed: Seed::new(0) }
    }

    /// Whether it runs the target.
    #[must_use]
    pub fn is_target(&self) -> bool {
        self.instance.image == self.target
    }
}
