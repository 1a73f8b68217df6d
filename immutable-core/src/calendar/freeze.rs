use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::local_clock::{LocalClock, Reading};

/// A time in which no rollout acts, whatever the windows say.
///
/// ```
/// use immutable_core::calendar::Freeze;
///
/// let freeze = Freeze::new("2026-12-20".parse().unwrap(), "2027-01-03".parse().unwrap(), "holidays");
/// assert_eq!(freeze.to_string(), "2026-12-20 until 2027-01-03 (holidays)");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Freeze {
    /// When it begins. A date is its first moment.
    pub from: Moment,
    /// When it ends. A date is its last moment: that whole day is frozen.
    pub until: Moment,
    /// Why, for whoever waits.
    pub reason: String,
}

impl Freeze {
    /// No rollout acts from here to there.
    #[must_use]
    pub fn new(from: Moment, until: Moment, reason: impl Into<String>) -> Self {
        Self { from, until, reason: reason.into() }
    }
}

impl fmt::Display for Freeze {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} until {} ({})", self.from, self.until, self.reason)
    }
}

/// A point in time of a freeze: a date (`2026-12-20`) or a date with a time (`2026-12-20T18:00`) in the calendar's time
/// zone, or RFC 3339 with an offset (`2026-12-20T18:00:00Z`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("pattern" = r"^\d{4}-\d{2}-\d{2}([Tt ].+)?$")))]
#[serde(into = "String", try_from = "String")]
pub struct Moment(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Day(jiff::civil::Date),
    Local(jiff::civil::DateTime),
    Absolute(jiff::Timestamp),
}

impl Moment {
    /// The second at which a freeze that begins here begins; `None` beyond the ends of the calendar.
    pub(super) fn begin(&self, clock: &LocalClock) -> Option<i64> {
        match self.0 {
            Kind::Day(date) => clock.instant(date.at(0, 0, 0, 0), Reading::First),
            Kind::Local(local) => clock.instant(local, Reading::First),
            Kind::Absolute(time) => Some(floor(time)),
        }
    }

    /// The first second after a freeze that ends here; `None` beyond the ends of the calendar.
    pub(super) fn end(&self, clock: &LocalClock) -> Option<i64> {
        match self.0 {
            // Not the last midnight of two: there the day that follows has begun already.
            Kind::Day(date) => clock.instant(date.tomorrow().ok()?.at(0, 0, 0, 0), Reading::First),
            Kind::Local(local) => {
                let fraction = i64::from(local.subsec_nanosecond() > 0);
                Some(clock.instant(local, Reading::Second)? + fraction)
            }
            Kind::Absolute(time) => Some(floor(time) + i64::from(time.subsec_nanosecond() != 0)),
        }
    }
}

fn floor(time: jiff::Timestamp) -> i64 {
    time.as_second() - i64::from(time.subsec_nanosecond() < 0)
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Day(date) => fmt::Display::fmt(date, f),
            Kind::Local(local) => fmt::Display::fmt(local, f),
            Kind::Absolute(time) => fmt::Display::fmt(time, f),
        }
    }
}

/// A text that is neither a date nor a time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a date or time: expected a date as in `2026-12-20`, a local time as in `2026-12-20T18:00`, or RFC \
     3339 as in `2026-12-20T18:00:00Z`"
)]
pub struct ParseMomentError {
    text: String,
}

impl FromStr for Moment {
    type Err = ParseMomentError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).map(Self).ok_or_else(|| ParseMomentError { text: text.chars().take(100).collect() })
    }
}

fn parse(text: &str) -> Option<Kind> {
    // What jiff reads beyond RFC 3339, such as a time zone in brackets, would be ignored here; so it is refused.
    if text.contains('[') {
        return None;
    }
    if !text.contains([':', 'T', 't', ' ']) {
        return text.parse().ok().map(Kind::Day);
    }
    let absolute = text.parse().map(Kind::Absolute);
    absolute.or_else(|_| text.parse().map(Kind::Local)).ok()
}

impl TryFrom<String> for Moment {
    type Error = ParseMomentError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Moment> for String {
    fn from(moment: Moment) -> Self {
        moment.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str) -> i64 {
        text.parse::<jiff::Timestamp>().unwrap().as_second()
    }

    fn span(zone: &str, from: &str, until: &str) -> (i64, i64) {
        let clock = LocalClock::find(zone).unwrap();
        let (from, until): (Moment, Moment) = (from.parse().unwrap(), until.parse().unwrap());
        (from.begin(&clock).unwrap(), until.end(&clock).unwrap())
    }

    #[test]
    fn a_frozen_date_is_the_whole_local_day_however_long_it_is() {
        assert_eq!(
            span("Europe/Berlin", "2026-10-25", "2026-10-25"),
            (seconds("2026-10-24T22:00:00Z"), seconds("2026-10-25T23:00:00Z")),
            "25 hours"
        );
        assert_eq!(
            span("America/Sao_Paulo", "2018-11-04", "2018-11-04"),
            (seconds("2018-11-04T03:00:00Z"), seconds("2018-11-05T02:00:00Z")),
            "the clock skipped the first hour of that day"
        );
    }

    #[test]
    fn a_time_that_is_shown_twice_or_never_freezes_longer() {
        assert_eq!(
            span("Europe/Berlin", "2026-10-25T02:30", "2026-10-25T02:45"),
            (seconds("2026-10-25T00:30:00Z"), seconds("2026-10-25T01:45:00Z"))
        );
        let jump = seconds("2026-03-29T01:00:00Z");
        assert_eq!(span("Europe/Berlin", "2026-03-29T02:15", "2026-03-29T02:45"), (jump, jump));
        assert_eq!(
            span("UTC", "2026-01-01T00:00:00.5Z", "2026-01-01T00:00:01.5Z").1
                - seconds("2026-01-01T00:00:00Z"),
            2
        );
    }

    #[test]
    fn moments_are_written_back_as_they_were_read() {
        for text in ["2026-12-20", "2026-12-20T18:00:00", "2026-12-20T18:00:00Z"] {
            assert_eq!(text.parse::<Moment>().unwrap().to_string(), text);
        }
        assert_eq!("2026-12-20T18:00+01:00".parse::<Moment>().unwrap().to_string(), "2026-12-20T17:00:00Z");
        for bad in [
            "",
            "tomorrow",
            "2026-13-01",
            "2026-12-20T25:00",
            "2026-12-20T18:00Z[Europe/Berlin]",
            "18:00",
            "2026-12-20+01:00",
            "2026-12-20Z",
            "2026-12-20T",
        ] {
            let error = bad.parse::<Moment>().unwrap_err();
            assert!(error.to_string().contains("expected a date as in `2026-12-20`"), "{bad}: {error}");
        }
    }
}
