use std::time::Duration;

use jiff::fmt::serde::unsigned_duration::friendly::compact::required as friendly;
use serde::{Deserialize, Serialize};

use super::blue_green::second_group;
use super::pause::{DETECTION, Pause};
use super::{RolloutStrategy, Share, Stage, StrategyContext, StrategyError};
use crate::id::GateName;

/// Starts a complete second group, then moves traffic to it in steps; with each step the old group shrinks to what the
/// rest of the traffic needs.
///
/// Between [`BlueGreen`](super::BlueGreen) and [`Canary`](super::Canary): a bad version meets a part of the traffic only,
/// and the new group is at full size before it meets any. The way back is as quick as the old capacity that is left;
/// whoever wants all of it until the end uses [`BlueGreen`](super::BlueGreen). As Spinnaker's rolling red/black. Needs
/// `max_surge` of the whole fleet and is refused with less.
///
/// ```
/// use immutable_core::Quantity;
/// use immutable_core::limits::Limits;
/// use immutable_core::strategy::{RollingBlueGreen, RolloutStrategy, StrategyContext};
///
/// let limits = Limits { max_surge: Quantity::Percent(100), ..Limits::default() };
/// let context = StrategyContext::new(limits.budget(10).unwrap());
/// let stages: Vec<String> =
///     RollingBlueGreen::new().stages(&context).unwrap().iter().map(ToString::to_string).collect();
/// assert_eq!(stages, [
///     "10 new, 10 old, 0% of the traffic",
///     "10 new, 9 old, 10% of the traffic, bake for 600s",
///     "10 new, 7 old, 30% of the traffic, bake for 600s",
///     "10 new, 0 old, 100% of the traffic, bake for 600s",
/// ]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct RollingBlueGreen {
    /// The shares of the traffic that the new group gets, step by step; all of it follows. Default 10 and 30 %: a tenth
    /// first, and each step about three times the one before, as in [`Waves`](super::Waves).
    steps: Vec<Share>,
    /// Checks that must pass on the complete new group before it gets traffic. Default none.
    smoke: Vec<GateName>,
    /// Approval to wait for before the new group gets traffic. Default none.
    switch_approval: Option<GateName>,
    /// How long every step stands, the last one included. Default 10 minutes: an alarm over five minutes is evaluated
    /// twice.
    #[serde(with = "friendly")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::time::DurationText"))]
    bake: Duration,
    /// Checks that must pass in every step. Default none.
    checks: Vec<GateName>,
}

impl Default for RollingBlueGreen {
    fn default() -> Self {
        // Both are at most 100.
        let steps = [10, 30].into_iter().filter_map(|share| Share::new(share).ok()).collect();
        Self { steps, smoke: Vec::new(), switch_approval: None, bake: DETECTION, checks: Vec::new() }
    }
}

impl RollingBlueGreen {
    /// 10 %, 30 % and then all of the traffic, each for ten minutes, without checks or approval.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives the new group these shares one after the other; all of the traffic follows.
    #[must_use]
    pub fn steps(mut self, steps: impl IntoIterator<Item = Share>) -> Self {
        self.steps = steps.into_iter().collect();
        self
    }

    /// This check must pass on the complete new group before it gets traffic.
    #[must_use]
    pub fn smoke(mut self, name: GateName) -> Self {
        self.smoke.push(name);
        self
    }

    /// Waits for this approval before the new group gets traffic.
    #[must_use]
    pub fn approve_switch(mut self, name: GateName) -> Self {
        self.switch_approval = Some(name);
        self
    }

    /// Every step stands this long, the last one included.
    #[must_use]
    pub const fn bake(mut self, duration: Duration) -> Self {
        self.bake = duration;
        self
    }

    /// This check must pass in every step.
    #[must_use]
    pub fn check(mut self, name: GateName) -> Self {
        self.checks.push(name);
        self
    }

    fn growing(&self) -> Result<(), StrategyError> {
        let bad = |reason: String| Err(StrategyError::new(self.name(), reason));
        if self.steps.is_empty() {
            return bad(
                "`steps` is empty: give at least one share, such as 10, or use `blue_green`".to_owned()
            );
        }
        let mut before = Share::NONE;
        for (number, share) in self.steps.iter().copied().enumerate() {
            if before == Share::ALL {
                return bad(format!("`steps[{number}]` comes after all of the traffic: leave it out"));
            }
            if share <= before {
                return bad(format!(
                    "`steps[{number}]` is {share} and does not grow: {before} comes before it, so use {} or more",
                    before.hundredths() + 1
                ));
            }
            before = share;
        }
        Ok(())
    }
}

impl RolloutStrategy for RollingBlueGreen {
    fn name(&self) -> &'static str {
        "rolling_blue_green"
    }

    fn stages(&self, context: &StrategyContext) -> Result<Vec<Stage>, StrategyError> {
        let all = context.budget.desired;
        self.growing()?;
        second_group(self.name(), &context.budget)?;
        let switch =
            Pause { checks: &self.smoke, approval: self.switch_approval.as_ref(), ..Pause::default() };
        let step = Pause { bake: self.bake, checks: &self.checks, approval: None };
        let mut stages = vec![switch.on(Stage::new(all, all).share(Share::NONE))];
        let shares = self.steps.iter().copied().filter(|share| *share < Share::ALL).chain([Share::ALL]);
        stages.extend(shares.map(|share| step.on(Stage::new(all, share.rest().of(all)).share(share))));
        Ok(stages)
    }
}

impl std::fmt::Display for RollingBlueGreen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { steps, smoke, switch_approval, bake, checks } = self;
        f.write_str("rolling blue/green")?;
        for check in smoke {
            write!(f, ", smoke check `{check}`")?;
        }
        if let Some(name) = switch_approval {
            write!(f, ", switches on approval `{name}`")?;
        }
        f.write_str(", ")?;
        for share in steps.iter().filter(|share| **share < Share::ALL) {
            write!(f, "{share}, ")?;
        }
        write!(f, "{} of the traffic{}", Share::ALL, Pause { bake: *bake, checks, approval: None })
    }
}
