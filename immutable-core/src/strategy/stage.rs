use std::fmt;

use serde::{Deserialize, Serialize};

use super::Share;
use crate::gate::GateSpec;

/// A target state on the way: how many instances of the new group, how many of the old one, how the traffic is shared,
/// and what must be true before the next stage begins.
///
/// The *new* group is what stays at the end, the *old* group what is to be replaced: see [`Reason`](super::Reason).
///
/// ```
/// use immutable_core::strategy::{Share, Stage};
///
/// let canary = Stage::new(2, 8).share(Share::new(5).unwrap());
/// assert_eq!(canary.to_string(), "2 new, 8 old, 5% of the traffic");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Stage {
    /// How many instances of the new group there shall be.
    pub new: u32,
    /// How many instances of the old group are kept.
    pub old: u32,
    /// How many of the kept old ones are launched anew, so that the new group has equals to be compared with: instances
    /// that differ only in their image, not in their age.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub baseline: u32,
    /// The share of the traffic that the new group gets; `None`: every instance gets the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<Share>,
    /// Sound old instances stay until they go by themselves or somebody asks for their replacement.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub passive: bool,
    /// What must pass, once the numbers are reached.
    pub gates: Vec<GateSpec>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Stage {
    /// A stage without gates, in which every instance gets the same traffic.
    #[must_use]
    pub const fn new(new: u32, old: u32) -> Self {
        Self { new, old, baseline: 0, share: None, passive: false, gates: Vec::new() }
    }

    /// Whether nothing runs in it, so that what runs after it never meets what ran before.
    pub(crate) const fn is_empty(&self) -> bool {
        self.new == 0 && self.old == 0
    }

    /// The stage with one more gate.
    #[must_use]
    pub fn gate(mut self, gate: GateSpec) -> Self {
        self.gates.push(gate);
        self
    }

    /// The stage with this share of the traffic for the new group.
    #[must_use]
    pub const fn share(mut self, share: Share) -> Self {
        self.share = Some(share);
        self
    }

    /// The stage with so many of its old instances launched anew.
    #[must_use]
    pub const fn baseline(mut self, baseline: u32) -> Self {
        self.baseline = baseline;
        self
    }

    /// The stage in which sound old instances stay until they go by themselves or somebody asks.
    #[must_use]
    pub const fn passive(mut self) -> Self {
        self.passive = true;
        self
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { new, old, baseline, share, passive, gates } = self;
        write!(f, "{new} new, {old} old")?;
        if *baseline > 0 {
            write!(f, " ({baseline} of them as a fresh baseline)")?;
        }
        if let Some(share) = share {
            write!(f, ", {share} of the traffic")?;
        }
        if *passive {
            f.write_str(", replacing only what goes by itself or is asked for")?;
        }
        for gate in gates {
            write!(f, ", {gate}")?;
        }
        Ok(())
    }
}
