use std::time::Duration;

use jiff::fmt::serde::unsigned_duration::friendly::compact::required as friendly;
use serde::{Deserialize, Serialize};

use super::{Candidate, Reason, RolloutStrategy, Stage, StrategyContext, StrategyError};
use crate::quantity::Quantity;
use crate::time::Timestamp;

/// More would let a fresh instance come due soon after its launch, so that the fleet never came to rest.
const MOST_SPREAD: u32 = 50;

/// Replaces instances that have lived for long enough, each at its own age, so that instances launched together never
/// come due together.
///
/// An instance is due at `max_age × (1 − spread × h)`, where `h`, between 0 and 1, is a hash of the instance and the
/// fleet's seed: with 30 days and 20 %, somewhere between 24 and 30 days, and always at the same moment however often
/// one asks. Marked instances (drifted, revoked, asked for) go too. Instances of another image stay unless
/// [asked for](Self::other_images): to bring an image is the business of the other strategies.
///
/// A rollout of it replaces what is due when it is planned; run it as often as the fleet's size asks for, for example
/// daily. Spreading only helps fleets that were rotated before; the pace in one whose instances are all overdue comes
/// from the limits: at most surge plus unavailable at a time, and no faster than the
/// [launch rate](crate::limits::Limits::launch_rate). Stages could not give that pace, because instances that stay belong
/// to the new group: a stage that begins with less than what is due would stand complete and bake for nothing.
///
/// ```
/// use std::time::Duration;
/// use immutable_core::fleet::{Health, Instance, Phase};
/// use immutable_core::strategy::{Candidate, Reason, RolloutStrategy, Rotate};
/// use immutable_core::{Digest, InstanceId, Timestamp, Zone};
///
/// let day = Duration::from_secs(24 * 60 * 60);
/// let strategy = Rotate::new().max_age(7 * day);
/// let (id, zone, image) = (InstanceId::new("i-1").unwrap(), Zone::new("a").unwrap(), Digest::of(b"v1"));
/// let launched = Timestamp::UNIX_EPOCH;
/// let instance = Instance::new(id, image, zone, Phase::Running(Health::Ready), launched);
///
/// let after = |age| strategy.replaces(&Candidate::new(&instance, image, launched + age));
/// assert_eq!(after(5 * day), None);
/// assert_eq!(after(7 * day), Some(Reason::Aged));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Rotate {
    /// The greatest age. Default 30 days, as Karpenter's `expireAfter`: long enough to cost little, short enough that a
    /// certificate, a leak or a forgotten change on an instance does not live for a quarter of a year.
    #[serde(with = "friendly")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::time::DurationText"))]
    max_age: Duration,
    /// How much of the greatest age instances come due earlier, at most 50 %. Default 20 %: what was launched within an
    /// hour then comes due over six days of thirty.
    spread: Quantity,
    /// Whether instances of another image than the target go too. Default no.
    other_images: bool,
}

impl Default for Rotate {
    fn default() -> Self {
        Self {
            max_age: Duration::from_secs(30 * 24 * 60 * 60),
            spread: Quantity::Percent(20),
            other_images: false,
        }
    }
}

impl Rotate {
    /// After 30 days less up to 20 %, whatever runs the target.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The greatest age.
    #[must_use]
    pub const fn max_age(mut self, age: Duration) -> Self {
        self.max_age = age;
        self
    }

    /// How many hundredths of the greatest age instances come due earlier: 0 to 50.
    #[must_use]
    pub const fn spread(mut self, hundredths: u32) -> Self {
        self.spread = Quantity::Percent(hundredths);
        self
    }

    /// Replaces instances of another image than the target as well.
    #[must_use]
    pub const fn other_images(mut self) -> Self {
        self.other_images = true;
        self
    }

    /// When an instance comes due by its age.
    #[must_use]
    pub fn due_at(&self, candidate: &Candidate<'_>) -> Timestamp {
        let hundredths = match self.spread {
            Quantity::Percent(percent) => percent.min(MOST_SPREAD),
            // Refused by `stages`.
            Quantity::Count(_) => 0,
        };
        let hash = candidate.seed.child("rotate").rank(candidate.instance.id.as_str().as_bytes());
        // In milliseconds and with 32 bits of the hash, so that no age overflows: 74 + 6 + 32 bits.
        let earlier =
            self.max_age.as_millis() * u128::from(hundredths) * u128::from(hash >> 32) / 100 / (1 << 32);
        let earlier = Duration::from_millis(u64::try_from(earlier).unwrap_or(u64::MAX));
        candidate.instance.launched_at + self.max_age.saturating_sub(earlier)
    }
}

impl RolloutStrategy for Rotate {
    fn name(&self) -> &'static str {
        "rotate"
    }

    fn stages(&self, context: &StrategyContext) -> Result<Vec<Stage>, StrategyError> {
        let bad = |reason: String| Err(StrategyError::new(self.name(), reason));
        if self.max_age.is_zero() {
            return bad("`max_age` is 0, so every instance would be replaced for ever: use a time such as \"720h\", or \
                        `rolling` to replace all of them once"
                .to_owned());
        }
        match self.spread {
            Quantity::Percent(..=MOST_SPREAD) => Ok(vec![Stage::new(context.budget.desired, 0)]),
            Quantity::Percent(percent) => bad(format!(
                "`spread` is {percent}%, so an instance could come due soon after its launch: use \"{MOST_SPREAD}%\" or \
                 less"
            )),
            Quantity::Count(count) => bad(format!(
                "`spread` is {count}, a number, but it is a part of `max_age`: use a percentage such as \"{}%\"",
                count.min(MOST_SPREAD)
            )),
        }
    }

    fn replaces(&self, candidate: &Candidate<'_>) -> Option<Reason> {
        let aged = || (candidate.now >= self.due_at(candidate)).then_some(Reason::Aged);
        let other = || (self.other_images && !candidate.is_target()).then_some(Reason::OtherImage);
        candidate.mark.or_else(aged).or_else(other)
    }
}

impl std::fmt::Display for Rotate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { max_age, spread, other_images } = self;
        write!(f, "rotate after {max_age:?} less up to {spread}")?;
        if *other_images {
            f.write_str(", other images too")?;
        }
        Ok(())
    }
}
