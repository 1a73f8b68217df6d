use std::time::Duration;

use jiff::fmt::serde::unsigned_duration::friendly::compact::required as friendly;
use serde::{Deserialize, Serialize};

use super::pause::{DETECTION, Pause};
use super::sizes::{growing, size};
use super::{RolloutStrategy, SlotOrder, Stage, StrategyContext, StrategyError};
use crate::id::GateName;
use crate::quantity::Quantity;

/// How much a wave may be larger than the one before it.
const GROWTH: std::ops::RangeInclusive<u32> = 2..=5;

/// Replaces the fleet in waves, each of which must stand for a while before the next one begins.
///
/// By default the waves grow geometrically from one instance. Why not by tenths: until somebody notices a defect, any
/// plan does the same harm, one symptom's worth; what differs is how far the rollout gets between the symptom and the
/// alarm. With waves that grow by the factor `f` per detection delay that is `f` times the floor, and the rollout of a
/// good version takes `ln N / ln f` delays, whereas ten tenths expose a tenth of the fleet before anybody looked, and take
/// longer than growing by ten. Factors from 2 to 5 are the best for any sensible price of harm and time, and Bottlerocket's
/// waves grow by 2 to 5.
///
/// Which slots are in a wave is decided by a hash of the fleet and the slot, in turn from every zone, so the same ones
/// are early in every rollout ([`SlotOrder::Hashed`]).
///
/// ```
/// use immutable_core::limits::Limits;
/// use immutable_core::strategy::{RolloutStrategy, StrategyContext, Waves};
///
/// let context = StrategyContext::new(Limits::default().budget(30).unwrap());
/// let stages = Waves::new().stages(&context).unwrap();
/// assert_eq!(stages.iter().map(|stage| stage.new).collect::<Vec<_>>(), [1, 3, 9, 27, 30]);
///
/// let waves: Waves = serde_json::from_str(r#"{"pattern": {"sizes": ["5%", "50%"]}, "bake": "1h"}"#).unwrap();
/// let stages = waves.stages(&context).unwrap();
/// assert_eq!(stages[0].to_string(), "2 new, 28 old, bake for 3600s");
/// assert_eq!(stages.iter().map(|stage| stage.new).collect::<Vec<_>>(), [2, 15, 30]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Waves {
    /// How large the waves are. Default geometric.
    pattern: Pattern,
    /// How long every wave must stand, the last one included, because after it nothing goes back by itself. Set it to the
    /// time in which your alarms notice a defect. Default 10 minutes: an alarm over five minutes is evaluated twice.
    #[serde(with = "friendly")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::time::DurationText"))]
    bake: Duration,
    /// Checks that must pass in every wave. Default none.
    checks: Vec<GateName>,
    /// Approval to wait for after the first wave. Default none.
    first_approval: Option<GateName>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Pattern {
    Geometric(Geometric),
    /// How much of the fleet is new after each wave; all of it follows.
    Sizes(Vec<Quantity>),
    ZoneByZone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
struct Geometric {
    /// Default 1: the fewest that can show a loud defect.
    first: Quantity,
    /// Default 3: harm × time is `f / ln f`, which is smallest at e, and 3 is the whole number nearest to it.
    factor: u32,
}

impl Default for Geometric {
    fn default() -> Self {
        Self { first: Quantity::Count(1), factor: 3 }
    }
}

impl Default for Waves {
    fn default() -> Self {
        Self::of(Pattern::Geometric(Geometric::default()))
    }
}

impl Waves {
    /// From one instance, each wave making it three times as many, each standing for ten minutes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// From this many instances, each wave making it `factor` times as many: 2 to 5. A percentage rounds up.
    ///
    /// The default is 1 and 3. By a factor of 3 the product of the harm that a bad version does and of the time that a good
    /// one takes, `f / ln f`, is smallest.
    #[must_use]
    pub const fn geometric(first: Quantity, factor: u32) -> Self {
        Self::of(Pattern::Geometric(Geometric { first, factor }))
    }

    /// This much of the fleet is new after each wave; all of it follows. Percentages round up.
    #[must_use]
    pub fn sizes(sizes: impl IntoIterator<Item = Quantity>) -> Self {
        Self::of(Pattern::Sizes(sizes.into_iter().collect()))
    }

    /// One zone after the other, as the rollout lists them.
    #[must_use]
    pub const fn zone_by_zone() -> Self {
        Self::of(Pattern::ZoneByZone)
    }

    const fn of(pattern: Pattern) -> Self {
        Self { pattern, bake: DETECTION, checks: Vec::new(), first_approval: None }
    }

    /// Every wave must stand this long, the last one included.
    #[must_use]
    pub const fn bake(mut self, duration: Duration) -> Self {
        self.bake = duration;
        self
    }

    /// This check must pass in every wave.
    #[must_use]
    pub fn check(mut self, name: GateName) -> Self {
        self.checks.push(name);
        self
    }

    /// Waits for this approval after the first wave.
    #[must_use]
    pub fn approve_first(mut self, name: GateName) -> Self {
        self.first_approval = Some(name);
        self
    }

    /// How many instances are new after each wave.
    fn cumulative(&self, context: &StrategyContext) -> Result<Vec<u32>, StrategyError> {
        let all = context.budget.desired;
        let mut sizes = match &self.pattern {
            Pattern::Geometric(Geometric { factor, .. }) if !GROWTH.contains(factor) => {
                let (least, most) = (GROWTH.start(), GROWTH.end());
                let reason = format!(
                    "`pattern.geometric.factor` is {factor}: waves grow by {least} to {most}, so use {}",
                    factor.clamp(least, most)
                );
                return Err(StrategyError::new(self.name(), reason));
            }
            Pattern::Geometric(Geometric { first, factor }) => {
                let first = size(self.name(), "pattern.geometric.first", *first, all)?;
                let next = |size: &u32| Some(size.saturating_mul(*factor));
                std::iter::successors(Some(first), next).take_while(|size| (1..all).contains(size)).collect()
            }
            Pattern::Sizes(sizes) => {
                growing(self.name(), |n| format!("pattern.sizes[{n}]"), sizes.iter().copied(), all)?
            }
            Pattern::ZoneByZone => zones(self.name(), context)?,
        };
        if sizes.last().is_none_or(|last| *last < all) {
            sizes.push(all);
        }
        Ok(sizes)
    }
}

/// How many slots the zones have up to each; zones without a slot are left out. Slot `k` belongs to zone `k` modulo
/// their number.
fn zones(strategy: &str, context: &StrategyContext) -> Result<Vec<u32>, StrategyError> {
    let all = context.budget.desired;
    let Some(zones) = u32::try_from(context.zones.len()).ok().filter(|zones| *zones > 0) else {
        let reason = "`pattern` is zone_by_zone, but the rollout names no zone: name the zones, or use geometric waves";
        return Err(StrategyError::new(strategy, reason));
    };
    let (each, more) = (all / zones, all % zones);
    Ok((1..=zones.min(all)).map(|zone| each * zone + more.min(zone)).collect())
}

impl RolloutStrategy for Waves {
    fn name(&self) -> &'static str {
        "waves"
    }

    fn stages(&self, context: &StrategyContext) -> Result<Vec<Stage>, StrategyError> {
        let all = context.budget.desired;
        let sizes = self.cumulative(context)?;
        let mut approval = self.first_approval.as_ref();
        let wave = |size: u32| {
            let pause = Pause { bake: self.bake, checks: &self.checks, approval: approval.take() };
            pause.on(Stage::new(size, all - size))
        };
        Ok(sizes.into_iter().map(wave).collect())
    }

    fn order(&self) -> SlotOrder {
        match self.pattern {
            Pattern::Geometric(_) | Pattern::Sizes(_) => SlotOrder::Hashed,
            Pattern::ZoneByZone => SlotOrder::ZoneByZone,
        }
    }
}

impl std::fmt::Display for Waves {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { pattern, bake, checks, first_approval } = self;
        f.write_str("waves")?;
        match pattern {
            Pattern::Geometric(Geometric { first, factor }) => {
                write!(f, " from {first}, growing by {factor}")?
            }
            Pattern::Sizes(sizes) => {
                f.write_str(" of ")?;
                for size in sizes {
                    write!(f, "{size}, ")?;
                }
                f.write_str("all")?;
            }
            Pattern::ZoneByZone => f.write_str(" zone by zone")?,
        }
        write!(f, "{}", Pause { bake: *bake, checks, approval: None })?;
        if let Some(name) = first_approval {
            write!(f, ", goes on after the first on approval `{name}`")?;
        }
        Ok(())
    }
}
