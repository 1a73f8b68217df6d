use serde::{Deserialize, Serialize};

use super::{RolloutStrategy, Stage, StrategyContext, StrategyError};

/// Replaces only what goes by itself or is asked for: an instance that fails, that somebody stops, or that is marked
/// (drifted, revoked, its replacement asked for) comes back with the target; sound ones stay with what they run.
///
/// As Kubernetes' and Cluster API's `OnDelete` and Google's `OPPORTUNISTIC`. There is nothing to configure: how fast
/// marked ones go is up to the limits, and with nobody to say when it ends there is nothing to bake or check at the end.
///
/// ```
/// use immutable_core::limits::Limits;
/// use immutable_core::strategy::{Opportunistic, RolloutStrategy, StrategyContext};
///
/// let context = StrategyContext::new(Limits::default().budget(10).unwrap());
/// let stages = Opportunistic::new().stages(&context).unwrap();
/// assert_eq!(stages.len(), 1);
/// assert!(stages[0].passive);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Opportunistic {}

impl Opportunistic {
    /// There is nothing to choose.
    #[must_use]
    pub const fn new() -> Self {
        Self {}
    }
}

impl RolloutStrategy for Opportunistic {
    fn name(&self) -> &'static str {
        "opportunistic"
    }

    fn stages(&self, context: &StrategyContext) -> Result<Vec<Stage>, StrategyError> {
        Ok(vec![Stage::new(context.budget.desired, 0).passive()])
    }
}

impl std::fmt::Display for Opportunistic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("opportunistic")
    }
}
