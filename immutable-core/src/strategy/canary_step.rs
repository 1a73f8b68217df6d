use std::time::Duration;

use jiff::fmt::serde::unsigned_duration::friendly::compact::required as friendly;
use serde::{Deserialize, Serialize};

use super::Share;
use super::pause::{DETECTION, Pause};
use crate::id::GateName;
use crate::quantity::Quantity;

/// One step of a [`Canary`](super::Canary): how much is new, which traffic it gets, and what must pass before more
/// follows.
///
/// ```
/// use std::time::Duration;
/// use immutable_core::strategy::CanaryStep;
/// use immutable_core::{GateName, Quantity};
///
/// let approved = CanaryStep::new(Quantity::Percent(5)).bake(Duration::ZERO).approve(GateName::new("go").unwrap());
/// assert_eq!(approved.to_string(), "5%, waits for approval `go`");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct CanaryStep {
    /// How many instances are new. Default 1.
    pub(super) size: Quantity,
    /// The share of the traffic that they get together. Default none: every instance gets the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) share: Option<Share>,
    /// Whether as many old instances are launched anew. Default no.
    pub(super) baseline: bool,
    /// How long the step stands. Default 10 minutes: an alarm over five minutes is evaluated twice.
    #[serde(with = "friendly")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::time::DurationText"))]
    pub(super) bake: Duration,
    /// Checks that must pass. Default none.
    pub(super) checks: Vec<GateName>,
    /// Approval to wait for, however long it takes. Default none.
    pub(super) approval: Option<GateName>,
}

impl Default for CanaryStep {
    fn default() -> Self {
        Self::new(Quantity::Count(1))
    }
}

impl CanaryStep {
    /// This many new instances for ten minutes. A percentage rounds up.
    #[must_use]
    pub const fn new(size: Quantity) -> Self {
        Self { size, share: None, baseline: false, bake: DETECTION, checks: Vec::new(), approval: None }
    }

    /// The new instances together get this share of the traffic.
    #[must_use]
    pub const fn share(mut self, share: Share) -> Self {
        self.share = Some(share);
        self
    }

    /// Launches as many old instances anew, so that the new ones have equals to be compared with: a fresh process is
    /// slower, or faster, than one with warm caches, whatever its version.
    #[must_use]
    pub const fn baseline(mut self) -> Self {
        self.baseline = true;
        self
    }

    /// The step stands this long.
    #[must_use]
    pub const fn bake(mut self, duration: Duration) -> Self {
        self.bake = duration;
        self
    }

    /// This check must pass.
    #[must_use]
    pub fn check(mut self, name: GateName) -> Self {
        self.checks.push(name);
        self
    }

    /// Waits for this approval, however long it takes.
    #[must_use]
    pub fn approve(mut self, name: GateName) -> Self {
        self.approval = Some(name);
        self
    }

    pub(super) fn pause(&self) -> Pause<'_> {
        Pause { bake: self.bake, checks: &self.checks, approval: self.approval.as_ref() }
    }
}

impl std::fmt::Display for CanaryStep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { size, share, baseline, bake: _, checks: _, approval: _ } = self;
        write!(f, "{size}")?;
        if let Some(share) = share {
            write!(f, " with {share} of the traffic")?;
        }
        if *baseline {
            f.write_str(" beside a fresh baseline")?;
        }
        write!(f, "{}", self.pause())
    }
}
