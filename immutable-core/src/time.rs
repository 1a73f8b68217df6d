//! Points in time. The core never reads a clock; every time is an argument.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

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

    /// The nanoseconds since the Unix epoch; negative before it.
    pub(crate) fn unix_nanoseconds(self) -> i128 {
        self.0.as_nanosecond()
    }

    /// The point this many seconds after the Unix epoch; `None` beyond the ends of the calendar.
    pub(crate) fn from_unix_seconds(seconds: i64) -> Option<Self> {
        jiff::Timestamp::from_second(seconds).ok().map(Self)
    }

    /// How long after `earlier` this is; zero when it is not after it.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::try_from(self.0.duration_since(earlier.0)).unwrap_or(Duration::ZERO)
    }

    /// The same moment by another clock, which shows `to` where the one before showed `from`.
    #[must_use]
    pub(crate) fn by_clock(self, from: Self, to: Self) -> Self {
        if to >= from { self + to.since(from) } else { self.saturating_sub(from.since(to)) }
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
    fn bad_text_names_itself() {
        let error = "yesterday".parse::<Timestamp>().unwrap_err();
        assert!(error.to_string().contains("`yesterday`"));
    }
}
