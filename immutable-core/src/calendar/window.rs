use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use jiff::fmt::friendly::SpanPrinter;
use jiff::fmt::serde::unsigned_duration::friendly::compact::required as friendly;
use serde::{Deserialize, Serialize};

use super::cron::CronSchedule;
use super::local_time::LocalTime;
use super::weekday::{Weekday, write_days};

/// A time that comes again, in which a rollout may act. Several windows are open when one of them is.
///
/// ```
/// use immutable_core::calendar::{Weekday, Window};
///
/// let window = Window::weekly(Weekday::WORKDAYS, "09:00".parse().unwrap(), "17:00".parse().unwrap());
/// assert_eq!(window.to_string(), "Mon–Fri 09:00–17:00");
///
/// let json = r#"{"cron": {"schedule": "0 22 * * SAT", "duration": "8h"}}"#;
/// let window: Window = serde_json::from_str(json).unwrap();
/// assert_eq!(window.to_string(), "8h from `0 22 * * SAT`");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Window {
    /// The same hours on days of the week.
    Weekly(WeeklyWindow),
    /// A time that begins by a cron schedule.
    Cron(CronWindow),
}

/// The same hours on days of the week, by the local clock: from `from`, before `until`.
///
/// An `until` that is not after `from` is on the next day: `22:00` to `05:00` on `fri` is open until Saturday at 05:00.
/// (Spinnaker takes both parts of such a window as hours of the listed day, and a window as closed at both ends. Here
/// the second `until` belongs to what comes after, so that windows and freezes can follow each other without a gap or an
/// overlap, and a whole day is `00:00` to `24:00`.)
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct WeeklyWindow {
    /// The days on which it opens. Default all.
    #[serde(default = "Weekday::all")]
    pub days: BTreeSet<Weekday>,
    /// When it opens.
    pub from: LocalTime,
    /// When it closes; not the same as `from`.
    pub until: LocalTime,
}

impl WeeklyWindow {
    /// How long it is open, on a day without a jump of the clock.
    pub(super) fn seconds(&self) -> i64 {
        let (from, until) = (i64::from(self.from.seconds()), i64::from(self.until.seconds()));
        if until > from { until - from } else { 86_400 + until - from }
    }
}

/// A time that begins by a cron schedule in the calendar's time zone, as in the disruption budgets of Karpenter (which
/// are in UTC always; so is a calendar that names no time zone).
///
/// One that is longer than the time until it begins again simply stays open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CronWindow {
    /// When it opens.
    pub schedule: CronSchedule,
    /// How long it stays open, in whole seconds of elapsed time: 1 second to 366 days.
    #[serde(with = "friendly")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::time::DurationText"))]
    pub duration: Duration,
}

impl Window {
    /// The same hours on these days of the week.
    #[must_use]
    pub fn weekly(days: impl IntoIterator<Item = Weekday>, from: LocalTime, until: LocalTime) -> Self {
        Self::Weekly(WeeklyWindow { days: days.into_iter().collect(), from, until })
    }

    /// This long whenever the schedule says so.
    #[must_use]
    pub const fn cron(schedule: CronSchedule, duration: Duration) -> Self {
        Self::Cron(CronWindow { schedule, duration })
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Weekly(window) => {
                write_days(f, &window.days)?;
                write!(f, " {}–{}", window.from, window.until)
            }
            Self::Cron(window) => {
                write!(f, "{} from `{}`", friendly_text(window.duration), window.schedule)
            }
        }
    }
}

/// A duration as it is written in a configuration file.
pub(super) fn friendly_text(duration: Duration) -> String {
    SpanPrinter::new().unsigned_duration_to_string(&duration)
}
