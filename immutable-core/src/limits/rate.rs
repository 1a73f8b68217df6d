use std::time::Duration;

use jiff::fmt::serde::unsigned_duration::friendly::compact::required as friendly;
use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// How fast instances may be launched: a bucket of tokens that each launch takes one of.
///
/// ```
/// use std::time::Duration;
/// use immutable_core::Timestamp;
/// use immutable_core::limits::{LaunchRate, Tokens};
///
/// let rate = LaunchRate { burst: 2, every: Duration::from_secs(10) };
/// let start = Timestamp::UNIX_EPOCH;
/// let bucket = Tokens::full(&rate, start).take(&rate, start).take(&rate, start);
/// assert_eq!(bucket.available(&rate, start), 0);
/// assert_eq!(bucket.next(&rate, start), Some(start + Duration::from_secs(10)));
/// assert_eq!(bucket.available(&rate, start + Duration::from_secs(25)), 2);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LaunchRate {
    /// How many may be launched at once after a long rest; at least 1.
    pub burst: u32,
    /// After how long there is one more; not 0.
    #[serde(with = "friendly")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::time::DurationText"))]
    pub every: Duration,
}

/// What a bucket of tokens holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tokens {
    level: u32,
    /// When the level was right; refills count from here.
    at: Timestamp,
}

impl Tokens {
    /// A full bucket.
    #[must_use]
    pub const fn full(rate: &LaunchRate, at: Timestamp) -> Self {
        Self { level: rate.burst, at }
    }

    /// How many there are now.
    #[must_use]
    pub fn available(&self, rate: &LaunchRate, now: Timestamp) -> u32 {
        self.refilled(rate, now).level
    }

    /// The bucket with one token fewer.
    #[must_use]
    pub fn take(self, rate: &LaunchRate, now: Timestamp) -> Self {
        let Self { level, at } = self.refilled(rate, now);
        Self { level: level.saturating_sub(1), at }
    }

    /// When there will be one more than now; `None` while it is full.
    #[must_use]
    pub fn next(&self, rate: &LaunchRate, now: Timestamp) -> Option<Timestamp> {
        let Self { level, at } = self.refilled(rate, now);
        (level < rate.burst).then(|| at + rate.every)
    }

    fn refilled(self, rate: &LaunchRate, now: Timestamp) -> Self {
        let every = rate.every.as_nanos().max(1);
        #[cfg(seeded_bugs)]
        let every = seeded!(RateRefilledTwice => every.div_ceil(2); else every);
        let refills = now.since(self.at).as_nanos() / every;
        let missing = u128::from(rate.burst.saturating_sub(self.level));
        if refills >= missing {
            // Full: the time since then is lost.
            return Self { level: rate.burst, at: now };
        }
        // Fewer than are missing, so both fit.
        let refills = u32::try_from(refills).unwrap_or(u32::MAX);
        Self { level: self.level + refills, at: self.at + rate.every.saturating_mul(refills) }
    }
}
