use std::time::Duration;

use jiff::fmt::serde::unsigned_duration::friendly::compact::required as friendly;
use serde::{Deserialize, Serialize};

use super::pause::Pause;
use super::{RolloutStrategy, SlotOrder, Stage, StrategyContext, StrategyError};
use crate::gate::GateSpec;
use crate::id::GateName;

/// Replaces instances one by one or several at a time, as many as the limits allow, without waiting for batches.
///
/// ```
/// use std::time::Duration;
/// use immutable_core::limits::Limits;
/// use immutable_core::strategy::{RolloutStrategy, Rolling, StrategyContext};
///
/// let strategy = Rolling::new().bake(Duration::from_secs(600));
/// let context = StrategyContext::new(Limits::default().budget(10).unwrap());
/// let stages = strategy.stages(&context).unwrap();
/// assert_eq!(stages[0].to_string(), "10 new, 0 old, bake for 600s");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Rolling {
    /// Approval to wait for before anything is replaced. Default none.
    start_approval: Option<GateName>,
    /// How long the complete new fleet must stand before the rollout counts as done. Default 0.
    #[serde(with = "friendly")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::time::DurationText"))]
    bake: Duration,
    /// Checks that must pass on the complete new fleet. Default none.
    checks: Vec<GateName>,
    /// In which order the slots are worked off. Default the oldest first.
    order: SlotOrder,
}

impl Rolling {
    /// Without approval, bake time or checks; the oldest instance first.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Waits for this approval before anything is replaced.
    #[must_use]
    pub fn approve_start(mut self, name: GateName) -> Self {
        self.start_approval = Some(name);
        self
    }

    /// The complete new fleet must stand this long before the rollout counts as done.
    #[must_use]
    pub const fn bake(mut self, duration: Duration) -> Self {
        self.bake = duration;
        self
    }

    /// This check must pass on the complete new fleet.
    #[must_use]
    pub fn check(mut self, name: GateName) -> Self {
        self.checks.push(name);
        self
    }

    /// Works off the slots in this order, for example from the highest number down as Kubernetes does with a
    /// `StatefulSet`.
    #[must_use]
    pub const fn order(mut self, order: SlotOrder) -> Self {
        self.order = order;
        self
    }

    fn end(&self) -> Pause<'_> {
        Pause { bake: self.bake, checks: &self.checks, approval: None }
    }
}

impl RolloutStrategy for Rolling {
    fn name(&self) -> &'static str {
        "rolling"
    }

    fn stages(&self, context: &StrategyContext) -> Result<Vec<Stage>, StrategyError> {
        let all = context.budget.desired;
        let mut stages = Vec::new();
        if let Some(name) = &self.start_approval {
            stages.push(Stage::new(0, all).gate(GateSpec::Approval(name.clone())));
        }
        stages.push(self.end().on(Stage::new(all, 0)));
        Ok(stages)
    }

    fn order(&self) -> SlotOrder {
        self.order
    }
}

impl std::fmt::Display for Rolling {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { start_approval, bake: _, checks: _, order } = self;
        f.write_str("rolling")?;
        if let Some(name) = start_approval {
            write!(f, ", starts on approval `{name}`")?;
        }
        if *order != SlotOrder::default() {
            write!(f, ", {order}")?;
        }
        write!(f, "{}", self.end())
    }
}
