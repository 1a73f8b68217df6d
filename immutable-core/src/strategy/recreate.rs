use std::time::Duration;

use jiff::fmt::serde::unsigned_duration::friendly::compact::required as friendly;
use serde::{Deserialize, Serialize};

use super::pause::Pause;
use super::{RolloutStrategy, Stage, StrategyContext, StrategyError};
use crate::gate::GateSpec;
use crate::id::GateName;

/// Stops all old instances, then starts the new ones: for a service of which two versions must never run together.
///
/// Nothing serves in between, and so the limits must say so: it needs `max_unavailable` of the whole fleet and is refused
/// with less. It is the only strategy that never exists twice, so it needs no surge.
///
/// ```
/// use immutable_core::Quantity;
/// use immutable_core::limits::Limits;
/// use immutable_core::strategy::{Recreate, RolloutStrategy, StrategyContext};
///
/// let limits = Limits { max_unavailable: Quantity::Percent(100), ..Limits::default() };
/// let stages = Recreate::new().stages(&StrategyContext::new(limits.budget(3).unwrap())).unwrap();
/// assert_eq!(stages[0].to_string(), "0 new, 0 old");
/// assert_eq!(stages[1].to_string(), "3 new, 0 old");
///
/// let refused = Recreate::new().stages(&StrategyContext::new(Limits::default().budget(3).unwrap())).unwrap_err();
/// assert!(refused.to_string().contains("raise max_unavailable to 3"), "{refused}");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Recreate {
    /// Approval to wait for before anything is stopped. Default none.
    start_approval: Option<GateName>,
    /// Checks that must pass while nothing runs, before the new instances start: for example that data were moved. Default
    /// none.
    stopped_checks: Vec<GateName>,
    /// How long the new fleet must stand before the rollout counts as done. Default 0, as in [`Rolling`](super::Rolling).
    #[serde(with = "friendly")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::time::DurationText"))]
    bake: Duration,
    /// Checks that must pass on the new fleet. Default none.
    checks: Vec<GateName>,
}

impl Recreate {
    /// Without approval, bake time or checks.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Waits for this approval before anything is stopped.
    #[must_use]
    pub fn approve_start(mut self, name: GateName) -> Self {
        self.start_approval = Some(name);
        self
    }

    /// This check must pass while nothing runs, before the new instances start.
    #[must_use]
    pub fn check_stopped(mut self, name: GateName) -> Self {
        self.stopped_checks.push(name);
        self
    }

    /// The new fleet must stand this long before the rollout counts as done.
    #[must_use]
    pub const fn bake(mut self, duration: Duration) -> Self {
        self.bake = duration;
        self
    }

    /// This check must pass on the new fleet.
    #[must_use]
    pub fn check(mut self, name: GateName) -> Self {
        self.checks.push(name);
        self
    }

    fn end(&self) -> Pause<'_> {
        Pause { bake: self.bake, checks: &self.checks, approval: None }
    }
}

impl RolloutStrategy for Recreate {
    fn name(&self) -> &'static str {
        "recreate"
    }

    fn stages(&self, context: &StrategyContext) -> Result<Vec<Stage>, StrategyError> {
        let (all, unavailable) = (context.budget.desired, context.budget.max_unavailable);
        if unavailable < all {
            return Err(StrategyError::new(
                self.name(),
                format!(
                    "max_unavailable is {unavailable}, but all of {all} are stopped before the first new one \
                     starts: raise max_unavailable to {all} or \"100%\", or use `rolling`, which keeps the service up"
                ),
            ));
        }
        let mut stages = Vec::new();
        if let Some(name) = &self.start_approval {
            stages.push(Stage::new(0, all).gate(GateSpec::Approval(name.clone())));
        }
        stages.push(Pause { checks: &self.stopped_checks, ..Pause::default() }.on(Stage::new(0, 0)));
        stages.push(self.end().on(Stage::new(all, 0)));
        Ok(stages)
    }
}

impl std::fmt::Display for Recreate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { start_approval, stopped_checks, bake: _, checks: _ } = self;
        f.write_str("recreate")?;
        if let Some(name) = start_approval {
            write!(f, ", starts on approval `{name}`")?;
        }
        for check in stopped_checks {
            write!(f, ", checks `{check}` while nothing runs")?;
        }
        write!(f, "{}", self.end())
    }
}
