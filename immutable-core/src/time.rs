//! Points in time. The core never reads a clock; every time is an argument.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

const NANOS: i64 = 1_000_000_000;

/// A point in time, to the nanosecond, shown and stored as RFC 3339 in UTC.
///
/// Arithmetic saturates at the ends of the calendar instead of failing: a deadline that lies beyond the year 9999 is
/// no deadline.
///
/// ```
/// use std::time::Duration;
/// use immutable_core::Timestamp;
///
/// let start: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
/// let later = start + Duration::from_secs(90);
/// assert_eq!(later.to_string(), "2026-11-23T10:01:30Z");
/// assert_eq!(later.since(start), Duration::from_secs(90));
/// assert_eq!(start.since(later), Duration::ZERO);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(jiff::Timestamp);

impl Timestamp {
    /// The Unix epoch, 1970-01-01T00:00:00Z.
    pub const UNIX_EPOCH: Self = Self(jiff::Timestamp::UNIX_EPOCH);
    /// The end of the calendar, later than any time that occurs.
    pub const MAX: Self = Self(jiff::Timestamp::MAX);

    /// The point this long after the Unix epoch.
    #[must_use]
    pub fn from_unix(since_epoch: Duration) -> Self {
        Self::UNIX_EPOCH + since_epoch
    }

    /// The whole seconds since the Unix epoch, rounded down.
    pub(crate) fn unix_seconds(self) -> i64 {
        self.0.as_second() - i64::from(self.0.subsec_nanosecond() < 0)
    }

    /// A number below 2^61 that is not less the later it is: the seconds since long before the calendar begins, and the
    /// nanoseconds without their lowest nine bits.
    pub(crate) fn ordinal(self) -> u64 {
        let nanos = i64::from(self.0.subsec_nanosecond()).rem_euclid(NANOS);
        // The calendar begins less than 2^39 seconds before the epoch and ends less than 2^39 seconds after it.
        (self.unix_seconds() + (1 << 39)).cast_unsigned() << 21 | nanos.cast_unsigned() >> 9
    }

    /// The point this many seconds after the Unix epoch; `None` beyond the ends of the calendar.
    pub(crate) fn from_unix_seconds(seconds: i64) -> Option<Self> {
        jiff::Timestamp::from_second(seconds).ok().map(Self)
    }

    /// How long after `earlier` this is; zero when it is not after it.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        let (mut seconds, mut nanos) = (
            self.0.as_second() - earlier.0.as_second(),
            i64::from(self.0.subsec_nanosecond()) - i64::from(earlier.0.subsec_nanosecond()),
        );
        // Each part has the sign of its own point in time, so they differ by less than two seconds.
        while nanos < 0 {
            (seconds, nanos) = (seconds - 1, nanos + NANOS);
        }
        while nanos >= NANOS {
            (seconds, nanos) = (seconds + 1, nanos - NANOS);
        }
        match (u64::try_from(seconds), u32::try_from(nanos)) {
            (Ok(seconds), Ok(nanos)) => Duration::new(seconds, nanos),
            _ => Duration::ZERO,
        }
    }

    /// This point less a duration, at the earliest the beginning of the calendar.
    #[must_use]
    pub fn saturating_sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(duration).unwrap_or(jiff::Timestamp::MIN))
    }
}

impl std::ops::Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration).unwrap_or(jiff::Timestamp::MAX))
    }
}

impl From<std::time::SystemTime> for Timestamp {
    fn from(time: std::time::SystemTime) -> Self {
        Self(jiff::Timestamp::try_from(time).unwrap_or(jiff::Timestamp::MAX))
    }
}

/// How far a clock is ahead of another one, or behind it.
///
/// ```
/// use immutable_core::{Skew, Timestamp};
///
/// let (shown, time): (Timestamp, Timestamp) =
///     ("2027-01-01T00:00:00Z".parse().unwrap(), "2026-11-23T10:00:00Z".parse().unwrap());
/// let skew = Skew::between(shown, time);
/// assert_eq!((skew.shown(time), skew.time(shown)), (shown, time));
/// assert_eq!(Skew::NONE.shown(time), time);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Skew(jiff::SignedDuration);

impl Skew {
    /// That of a clock that shows the same.
    pub const NONE: Self = Self(jiff::SignedDuration::ZERO);

    /// That of a clock that shows this at that time.
    #[must_use]
    pub fn between(shown: Timestamp, time: Timestamp) -> Self {
        Self(shown.0.duration_since(time.0))
    }

    /// What the clock shows at a time, within the calendar.
    #[must_use]
    pub fn shown(self, time: Timestamp) -> Timestamp {
        Self::moved(time, self.0)
    }

    /// The time at which the clock shows this, within the calendar.
    #[must_use]
    pub fn time(self, shown: Timestamp) -> Timestamp {
        Self::moved(shown, -self.0)
    }

    fn moved(at: Timestamp, by: jiff::SignedDuration) -> Timestamp {
        // Durations in the units of the clock never overflow this addition; only the calendar ends.
        Timestamp(at.0.saturating_add(by).unwrap_or(jiff::Timestamp::MAX))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Timestamp {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A point in time as in RFC 3339: `2026-11-23T10:00:00Z`.",
            "type": "string",
            "format": "date-time",
            "pattern": r"^-?\d{4,6}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?([Zz]|[+-]\d{2}(:?\d{2})?)$",
        })
    }
}

/// How a duration stands in a file: what every field that holds one has as its JSON Schema.
#[cfg(feature = "schema")]
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct DurationText;

#[cfg(feature = "schema")]
impl schemars::JsonSchema for DurationText {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A duration: `90s`, `5m`, `1h 30m`.",
            "type": "string",
            "pattern": r"^\d+(\.\d+)?(h|m|s|ms|us|µs|ns)( ?\d+(\.\d+)?(h|m|s|ms|us|µs|ns))*$",
        })
    }
}

/// A text that is not a point in time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a time: expected RFC 3339, as in `2026-11-23T10:00:00Z`")]
pub struct ParseTimestampError {
    text: String,
}

impl FromStr for Timestamp {
    type Err = ParseTimestampError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self).map_err(|_| ParseTimestampError { text: text.chars().take(100).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates() {
        assert_eq!(Timestamp::MAX + Duration::MAX, Timestamp::MAX);
        assert!(Timestamp::UNIX_EPOCH.saturating_sub(Duration::MAX) < Timestamp::UNIX_EPOCH);
        assert_eq!(Timestamp::UNIX_EPOCH.since(Timestamp::MAX), Duration::ZERO);
    }

    #[test]
    fn time_between_is_exact_on_both_sides_of_the_epoch() {
        let at = |nanos| Timestamp(jiff::Timestamp::from_nanosecond(nanos).unwrap());
        let all = [
            -2_000_000_001,
            -2_000_000_000,
            -1_000_000_001,
            -999_999_999,
            -1,
            0,
            1,
            999_999_999,
            3_000_000_007,
        ];
        for earlier in all {
            for later in all {
                let nanos = u64::try_from(later - earlier).unwrap_or(0);
                assert_eq!(at(later).since(at(earlier)), Duration::from_nanos(nanos), "{earlier} to {later}");
                assert!(
                    earlier > later || at(earlier).ordinal() <= at(later).ordinal(),
                    "{earlier} to {later}"
                );
            }
        }
        let seconds = |timestamp: Timestamp| timestamp.ordinal() >> 21;
        assert_eq!(seconds(at(0)) - seconds(at(-1)), 1);
        assert!(
            Timestamp::MAX.ordinal() < 1 << 61 && Timestamp(jiff::Timestamp::MIN).ordinal() < at(0).ordinal()
        );
    }

    #[test]
    fn bad_text_names_itself() {
        let error = "yesterday".parse::<Timestamp>().unwrap_err();
        assert!(error.to_string().contains("`yesterday`"));
    }
}
