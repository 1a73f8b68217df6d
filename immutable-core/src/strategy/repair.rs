use serde::{Deserialize, Serialize};

use super::{Candidate, Reason, RolloutStrategy, Stage, StrategyContext, StrategyError};

/// Replaces only instances that drifted from their image, whose image was revoked, or whose replacement was asked for;
/// broken ones are replaced under every strategy. A sound instance stays, whatever image it runs.
///
/// Its stage has all instances in the new group, because those that stay belong to it.
///
/// ```
/// use immutable_core::fleet::{Health, Instance, Phase};
/// use immutable_core::strategy::{Candidate, Reason, Repair, RolloutStrategy};
/// use immutable_core::{Digest, InstanceId, Timestamp, Zone};
///
/// let (id, zone) = (InstanceId::new("i-1").unwrap(), Zone::new("a").unwrap());
/// let now = Timestamp::UNIX_EPOCH;
/// let older = Instance::new(id, Digest::of(b"v1"), zone, Phase::Running(Health::Ready), now);
///
/// let mut candidate = Candidate::new(&older, Digest::of(b"v2"), now);
/// assert_eq!(Repair::new().replaces(&candidate), None, "another image is no defect");
/// candidate.mark = Some(Reason::Drifted);
/// assert_eq!(Repair::new().replaces(&candidate), Some(Reason::Drifted));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Repair {}

impl Repair {
    /// There is nothing to choose.
    #[must_use]
    pub const fn new() -> Self {
        Self {}
    }
}

impl RolloutStrategy for Repair {
    fn name(&self) -> &'static str {
        "repair"
    }

    fn stages(&self, context: &StrategyContext) -> Result<Vec<Stage>, StrategyError> {
        Ok(vec![Stage::new(context.budget.desired, 0)])
    }

    fn replaces(&self, candidate: &Candidate<'_>) -> Option<Reason> {
        candidate.mark
    }
}

impl std::fmt::Display for Repair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("repair")
    }
}
