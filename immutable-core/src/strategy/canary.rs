use std::collections::BTreeSet;
use std::time::Duration;

use jiff::fmt::serde::unsigned_duration::friendly::compact::required as friendly;
use serde::{Deserialize, Serialize};

use super::pause::Pause;
use super::sizes::growing;
use super::traffic::{kept, passage, surge_needed};
use super::{CanaryStep, RolloutStrategy, Share, SlotOrder, Stage, StrategyContext, StrategyError};
use crate::gate::GateSpec;
use crate::id::GateName;
use crate::limits::Budget;
use crate::quantity::{Quantity, counted};

/// Replaces a few instances first and goes on, step by step, while they do well.
///
/// **Size.** In a step of `c` instances, `N − c` old ones stay, so a canary needs no more room than a rolling
/// replacement. Sizes round up and are at least one. A step of less than `100%` leaves at least one old instance wherever
/// the fleet has two or `max_surge` lets a second one exist. With [`beside_all`](Self::beside_all) the whole old group
/// stays, as Nomad's canaries and Argo Rollouts' do behind a router, and the canaries need room beside it.
///
/// **Traffic.** Without shares every instance gets the same. With shares each step says how much the new group gets,
/// apart from its size; then every step has one. A group that gets a share must have the instances for it
/// ([`Share::of`]), which holds for the old group too: 5 % on 2 of 10 instances keep nine and a half, that is ten, old
/// ones busy, so both groups together are twelve. Where the limits do not let traffic move to the next share at once,
/// stages without gates come in between, in the fewest moves that the limits allow.
///
/// The new instances are a sample by hash over all zones, the same slots in every rollout ([`SlotOrder::Hashed`]): the
/// oldest instances are not like the others.
///
/// ```
/// use std::time::Duration;
/// use immutable_core::limits::Limits;
/// use immutable_core::strategy::{Canary, CanaryStep, RolloutStrategy, Share, StrategyContext};
/// use immutable_core::{GateName, Quantity};
///
/// let one = CanaryStep::new(Quantity::Count(1)).share(Share::new(5).unwrap()).check(GateName::new("errors").unwrap());
/// let quarter = CanaryStep::new(Quantity::Percent(25)).share(Share::new(25).unwrap()).bake(Duration::from_secs(3600));
/// let context = StrategyContext::new(Limits::default().budget(12).unwrap());
/// let stages: Vec<String> =
///     Canary::new(one).step(quarter).stages(&context).unwrap().iter().map(ToString::to_string).collect();
/// assert_eq!(stages, [
///     "1 new, 12 old, 5% of the traffic, bake for 600s, check `errors`",
///     "3 new, 9 old, 25% of the traffic, bake for 3600s",
///     // Three extra ones at most: the rest of the traffic moves in parts.
///     "6 new, 6 old, 50% of the traffic",
///     "9 new, 3 old, 75% of the traffic",
///     "12 new, 0 old, 100% of the traffic",
/// ]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Canary {
    /// Approval to wait for before anything is replaced. Default none.
    start_approval: Option<GateName>,
    /// The steps; the whole fleet follows. Default one step of one instance: the fewest that can show a loud defect.
    steps: Vec<CanaryStep>,
    /// Whether the whole old group stays until the last step has passed. Default no: then a canary needs extra room.
    beside_all: bool,
    /// How long the complete new fleet must stand before the rollout counts as done. Default 0, because the steps have
    /// already stood.
    #[serde(with = "friendly")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::time::DurationText"))]
    bake: Duration,
    /// Checks that must pass on the complete new fleet. Default none.
    checks: Vec<GateName>,
}

impl Default for Canary {
    fn default() -> Self {
        Self::new(CanaryStep::default())
    }
}

impl Canary {
    /// This step, then all.
    #[must_use]
    pub fn new(first: CanaryStep) -> Self {
        Self {
            start_approval: None,
            steps: vec![first],
            beside_all: false,
            bake: Duration::ZERO,
            checks: Vec::new(),
        }
    }

    /// One step more, larger than those before it.
    #[must_use]
    pub fn step(mut self, step: CanaryStep) -> Self {
        self.steps.push(step);
        self
    }

    /// Waits for this approval before anything is replaced.
    #[must_use]
    pub fn approve_start(mut self, name: GateName) -> Self {
        self.start_approval = Some(name);
        self
    }

    /// Keeps the whole old group until the last step has passed; the canaries stand beside it and need `max_surge` of
    /// their number.
    #[must_use]
    pub const fn beside_all(mut self) -> Self {
        self.beside_all = true;
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

    fn end(&self) -> Pause<'_> {
        Pause { bake: self.bake, checks: &self.checks, approval: None }
    }

    fn error(&self, reason: String) -> StrategyError {
        StrategyError::new(self.name(), reason)
    }

    /// Whether the steps share the traffic: all of them or none.
    fn shares(&self, sizes: &[u32], desired: u32) -> Result<bool, StrategyError> {
        let Some(with) = self.steps.iter().position(|step| step.share.is_some()) else { return Ok(false) };
        let mut before = Share::NONE;
        for (number, (step, size)) in self.steps.iter().zip(sizes).enumerate() {
            let Some(share) = step.share else {
                return Err(self.error(format!(
                    "`steps[{number}].share` is missing, but steps[{with}] has one: give every step a share, here for \
                     example {}, or none",
                    bearable(*size, desired).max(before)
                )));
            };
            if share < before {
                return Err(self.error(format!(
                    "`steps[{number}].share` is {share}, less than the {before} before it: use {before} or more"
                )));
            }
            before = share;
        }
        Ok(true)
    }

    /// One word must not approve two steps.
    fn approvals_differ(&self) -> Result<(), StrategyError> {
        let mut seen: BTreeSet<&GateName> = self.start_approval.iter().collect();
        for (number, step) in self.steps.iter().enumerate() {
            if let Some(name) = &step.approval
                && !seen.insert(name)
            {
                return Err(self.error(format!(
                    "`steps[{number}].approval` is `{name}`, as an approval before it: one word would approve both, so \
                     use another name, such as `{name}-{number}`"
                )));
            }
        }
        Ok(())
    }

    /// The numbers of one step.
    fn stage(&self, number: usize, size: u32, budget: &Budget) -> Result<Stage, StrategyError> {
        let step = &self.steps[number];
        let stage = match step.share {
            None if self.beside_all => self.beside(number, size, budget)?,
            None => alone(step.size, size, budget),
            Some(share) => self.sharing(number, size, share, budget)?,
        };
        if !step.baseline {
            return Ok(stage);
        }
        if stage.old < stage.new {
            // A half of one is none.
            let smaller = match budget.desired / 2 {
                0 => String::new(),
                half => format!("use a size of {half} or less, or "),
            };
            return Err(self.error(format!(
                "`steps[{number}].baseline` asks for as many fresh old instances as new ones, but with a size of {} \
                 there are {} new and {} old: {smaller}leave the baseline out",
                step.size, stage.new, stage.old
            )));
        }
        // A fresh one comes before the one it stands for leaves, or after it: there must be room for the one or the other.
        let room = budget.max_total().saturating_sub(stage.new.saturating_add(stage.old));
        let carrying = step.share.map_or(0, |share| {
            let needed = share.rest().of(budget.desired);
            needed.saturating_sub(budget.max_unavailable).max(needed.min(1))
        });
        if step.share.is_some() && room == 0 && stage.old <= carrying {
            return Err(self.error(format!(
                "`steps[{number}].baseline` is to replace old instances by fresh ones while {} of them carry the traffic and \
                 max_surge {} leaves no room for one more: raise max_surge to {}, or leave the baseline out",
                stage.old,
                budget.max_surge,
                budget.max_surge.saturating_add(1)
            )));
        }
        let baseline = stage.new;
        Ok(stage.baseline(baseline))
    }

    /// Beside the whole old group.
    fn beside(&self, number: usize, size: u32, budget: &Budget) -> Result<Stage, StrategyError> {
        if size <= budget.max_surge {
            return Ok(Stage::new(size, budget.desired));
        }
        let smaller = match budget.max_surge {
            0 => String::new(),
            surge => format!("use a size of {surge} or less, "),
        };
        Err(self.error(format!(
            "`steps[{number}].size` is {}, so {} would stand beside the whole old group, but max_surge is {}: \
             {smaller}raise max_surge to {size}, or leave out `beside_all`",
            self.steps[number].size,
            counted(size, "instance"),
            budget.max_surge
        )))
    }

    /// With this share of the traffic.
    fn sharing(
        &self,
        number: usize,
        size: u32,
        share: Share,
        budget: &Budget,
    ) -> Result<Stage, StrategyError> {
        let all = budget.desired;
        let needed = share.of(all);
        if size < needed {
            return Err(self.error(format!(
                "`steps[{number}].share` is {share}, the traffic of {needed} of {}, but the size is {}, that \
                 is {size}: use a size of {needed} or more, or a share of {} or less",
                counted(all, "instance"),
                self.steps[number].size,
                bearable(size, all).hundredths()
            )));
        }
        if self.beside_all {
            return Ok(self.beside(number, size, budget)?.share(share));
        }
        match kept(budget, size, share) {
            Some(old) => Ok(Stage::new(size, old).share(share)),
            None => Err(self.error(format!(
                "`steps[{number}]` has {size} new instances, and the other {} of the traffic keep {} of {all} old ones \
                 busy, but max_surge is {} and max_unavailable {}: raise max_surge to {}, or choose the size and the \
                 share nearer to each other",
                share.rest(),
                share.rest().of(all),
                budget.max_surge,
                budget.max_unavailable,
                surge_needed(budget, size, share)
            ))),
        }
    }
}

/// In place of old ones, all with the same traffic. Less than 100 % leaves an old instance to fall back on: the last one
/// stays in the surge, or a step is one smaller where there is none.
fn alone(written: Quantity, size: u32, budget: &Budget) -> Stage {
    let all = budget.desired;
    let whole = written == Quantity::Percent(100) || size < all;
    match (whole, budget.max_surge) {
        (true, _) => Stage::new(size, all - size),
        (false, 0) if all > 1 => Stage::new(all - 1, 1),
        (false, surge) => Stage::new(size, surge.min(1).min(all)),
    }
}

/// The greatest share whose traffic this many instances bear.
fn bearable(size: u32, desired: u32) -> Share {
    let shares = (0..=100).filter_map(|hundredths| Share::new(hundredths).ok());
    shares.take_while(|share| share.of(desired) <= size).last().unwrap_or(Share::NONE)
}

impl RolloutStrategy for Canary {
    fn name(&self) -> &'static str {
        "canary"
    }

    fn stages(&self, context: &StrategyContext) -> Result<Vec<Stage>, StrategyError> {
        let budget = &context.budget;
        let all = budget.desired;
        let written = self.steps.iter().map(|step| step.size);
        let sizes = growing(self.name(), |number| format!("steps[{number}].size"), written, all)?;
        let shares = self.shares(&sizes, all)?;
        self.approvals_differ()?;
        let shared = |stage: Stage, share| if shares { stage.share(share) } else { stage };

        let mut stages = Vec::new();
        let mut before = shared(Stage::new(0, all), Share::NONE);
        if let Some(name) = &self.start_approval {
            stages.push(before.clone().gate(GateSpec::Approval(name.clone())));
        }
        for (number, (step, size)) in self.steps.iter().zip(sizes).enumerate() {
            let stage = self.stage(number, size, budget)?;
            stages.extend(passage(self.name(), budget, &before, &stage)?);
            stages.push(step.pause().on(stage.clone()));
            before = stage;
        }
        let end = shared(Stage::new(all, 0), Share::ALL);
        stages.extend(passage(self.name(), budget, &before, &end)?);
        stages.push(self.end().on(end));
        Ok(stages)
    }

    fn order(&self) -> SlotOrder {
        SlotOrder::Hashed
    }
}

impl std::fmt::Display for Canary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { start_approval, steps, beside_all, bake: _, checks: _ } = self;
        f.write_str("canary")?;
        if *beside_all {
            f.write_str(" beside the whole old group")?;
        }
        if let Some(name) = start_approval {
            write!(f, ", starts on approval `{name}`")?;
        }
        for step in steps {
            write!(f, "; {step}")?;
        }
        write!(f, "; then all{}", self.end())
    }
}
