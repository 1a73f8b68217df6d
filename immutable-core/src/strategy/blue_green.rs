use std::time::Duration;

use jiff::fmt::serde::unsigned_duration::friendly::compact::required as friendly;
use serde::{Deserialize, Serialize};

use super::pause::{DETECTION, Pause};
use super::sizes::size;
use super::{RolloutStrategy, Share, Stage, StrategyContext, StrategyError};
use crate::id::GateName;
use crate::limits::Budget;
use crate::quantity::{Quantity, counted};

/// Starts a complete second group beside the old one, moves all traffic to it at once, and keeps the old group until the
/// hold is over: until then the way back is one change of weights.
///
/// Needs `max_surge` of the whole fleet and is refused with less. Its stages:
///
/// | stage | new | old | traffic to the new group | what it waits for |
/// |---|---|---|---|---|
/// | preview, if asked for | preview | all | 0 % | smoke checks |
/// | complete | all | all | 0 % | smoke checks, approval of the switch |
/// | hold | all | all | 100 % | hold, checks |
/// | end | all | 0 | 100 % | |
///
/// ```
/// use immutable_core::limits::Limits;
/// use immutable_core::strategy::{BlueGreen, RolloutStrategy, StrategyContext};
/// use immutable_core::{GateName, Quantity};
///
/// let strategy = BlueGreen::new().preview(Quantity::Count(1)).smoke(GateName::new("smoke").unwrap());
/// let limits = Limits { max_surge: Quantity::Percent(100), ..Limits::default() };
/// let stages = strategy.stages(&StrategyContext::new(limits.budget(4).unwrap())).unwrap();
/// let stages: Vec<String> = stages.iter().map(ToString::to_string).collect();
/// assert_eq!(stages, [
///     "1 new, 4 old, 0% of the traffic, check `smoke`",
///     "4 new, 4 old, 0% of the traffic, check `smoke`",
///     "4 new, 4 old, 100% of the traffic, bake for 600s",
///     "4 new, 0 old, 100% of the traffic",
/// ]);
///
/// let refused = strategy.stages(&StrategyContext::new(Limits::default().budget(4).unwrap())).unwrap_err();
/// assert!(refused.to_string().contains("max_surge is 1"), "{refused}");
/// assert!(refused.to_string().contains("raise max_surge to 4"), "{refused}");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct BlueGreen {
    /// How many new instances are started and checked before the rest of the group. Default none: the whole group at
    /// once, because none of it gets traffic yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    preview: Option<Quantity>,
    /// Checks that must pass before traffic moves: on the preview, and again on the complete group. Default none.
    smoke: Vec<GateName>,
    /// Approval to wait for before traffic moves. Default none.
    switch_approval: Option<GateName>,
    /// How long the old group stays after the switch. Default 10 minutes: an alarm over five minutes is evaluated twice.
    /// Argo Rollouts' 30 seconds only let the network follow; they are no time to notice anything.
    #[serde(with = "friendly")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::time::DurationText"))]
    hold: Duration,
    /// Checks that must pass during the hold, before the old group goes. Default none.
    checks: Vec<GateName>,
}

impl Default for BlueGreen {
    fn default() -> Self {
        Self { preview: None, smoke: Vec::new(), switch_approval: None, hold: DETECTION, checks: Vec::new() }
    }
}

impl BlueGreen {
    /// Without preview, checks or approval; the old group is held for ten minutes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts and checks this many new instances before the rest of the group. A percentage rounds up.
    #[must_use]
    pub const fn preview(mut self, size: Quantity) -> Self {
        self.preview = Some(size);
        self
    }

    /// This check must pass before traffic moves: on the preview, and again on the complete group.
    #[must_use]
    pub fn smoke(mut self, name: GateName) -> Self {
        self.smoke.push(name);
        self
    }

    /// Waits for this approval before traffic moves.
    #[must_use]
    pub fn approve_switch(mut self, name: GateName) -> Self {
        self.switch_approval = Some(name);
        self
    }

    /// The old group stays this long after the switch.
    #[must_use]
    pub const fn hold(mut self, duration: Duration) -> Self {
        self.hold = duration;
        self
    }

    /// This check must pass during the hold, before the old group goes.
    #[must_use]
    pub fn check(mut self, name: GateName) -> Self {
        self.checks.push(name);
        self
    }
}

/// Both groups in full size side by side: nothing less is blue/green.
///
/// # Errors
/// Less surge than that.
pub(super) fn second_group(strategy: &str, budget: &Budget) -> Result<(), StrategyError> {
    let Budget { desired, max_surge, .. } = *budget;
    if max_surge >= desired {
        return Ok(());
    }
    Err(StrategyError::new(
        strategy,
        format!(
            "max_surge is {max_surge}, but a complete second group of {} stands beside the old one: \
             raise max_surge to {desired} or \"100%\", or use `rolling` or `canary`, which need less",
            counted(desired, "instance")
        ),
    ))
}

impl RolloutStrategy for BlueGreen {
    fn name(&self) -> &'static str {
        "blue_green"
    }

    fn stages(&self, context: &StrategyContext) -> Result<Vec<Stage>, StrategyError> {
        let all = context.budget.desired;
        let preview = self.preview.map(|preview| size(self.name(), "preview", preview, all)).transpose()?;
        second_group(self.name(), &context.budget)?;
        let smoke = Pause { checks: &self.smoke, ..Pause::default() };
        let mut stages = Vec::new();
        // A preview of the whole group is the group.
        if let Some(preview) = preview.filter(|preview| *preview < all) {
            stages.push(smoke.on(Stage::new(preview, all).share(Share::NONE)));
        }
        let switch = Pause { approval: self.switch_approval.as_ref(), ..smoke };
        stages.push(switch.on(Stage::new(all, all).share(Share::NONE)));
        let hold = Pause { bake: self.hold, checks: &self.checks, approval: None };
        stages.push(hold.on(Stage::new(all, all).share(Share::ALL)));
        stages.push(Stage::new(all, 0).share(Share::ALL));
        Ok(stages)
    }
}

impl std::fmt::Display for BlueGreen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { preview, smoke, switch_approval, hold, checks } = self;
        f.write_str("blue/green")?;
        if let Some(preview) = preview {
            write!(f, ", preview of {preview}")?;
        }
        for check in smoke {
            write!(f, ", smoke check `{check}`")?;
        }
        if let Some(name) = switch_approval {
            write!(f, ", switches on approval `{name}`")?;
        }
        write!(f, ", holds the old group for {hold:?}")?;
        write!(f, "{}", Pause { checks, ..Pause::default() })
    }
}
