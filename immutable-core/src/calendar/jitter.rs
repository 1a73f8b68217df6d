use std::fmt;
use std::time::Duration;

use jiff::fmt::serde::unsigned_duration::friendly::compact::required as friendly;
use serde::{Deserialize, Serialize};

use super::window::friendly_text;
use crate::seed::Seed;

/// How long after an opening a rollout begins, so that the fleets of one calendar do not all begin in the same second.
///
/// The delay is drawn once from the seed, whole seconds from `min` to `max`, both included, and is the same after every
/// opening: a freeze that ends is an opening too. A calendar that is always open has no opening, so no delay.
///
/// ```
/// use std::time::Duration;
/// use immutable_core::{Seed, calendar::Jitter};
///
/// let jitter = Jitter::new(Duration::from_secs(60), Duration::from_secs(600));
/// let delay = jitter.delay(Seed::new(7));
/// assert!((60..=600).contains(&delay.as_secs()));
/// assert_eq!(delay, jitter.delay(Seed::new(7)));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Jitter {
    /// The least delay. Default 0.
    #[serde(default, with = "friendly")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::time::DurationText"))]
    pub min: Duration,
    /// The greatest delay; shorter than every window.
    #[serde(with = "friendly")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::time::DurationText"))]
    pub max: Duration,
}

impl Jitter {
    /// A delay from `min` to `max`.
    #[must_use]
    pub const fn new(min: Duration, max: Duration) -> Self {
        Self { min, max }
    }

    /// The delay of whoever has this seed. Fleets need a seed each: derive it from their names.
    #[must_use]
    pub const fn delay(&self, seed: Seed) -> Duration {
        /// Tells this use of the seed from all others.
        const PURPOSE: u64 = u64::from_be_bytes(*b"jitter\0\0");
        let span = self.max.as_secs().saturating_sub(self.min.as_secs()).saturating_add(1);
        Duration::from_secs(self.min.as_secs().saturating_add(seed.rank_number(PURPOSE) % span))
    }
}

impl fmt::Display for Jitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {} after an opening", friendly_text(self.min), friendly_text(self.max))
    }
}
