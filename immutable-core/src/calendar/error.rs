use std::time::Duration;

use super::freeze::Moment;
use super::jitter::Jitter;
use super::local_time::LocalTime;
use super::window::friendly_text;

/// What must be changed in a calendar. Fields are named as in a configuration file: `windows[0].until`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CalendarError {
    /// Name a zone of the IANA database.
    #[error("time_zone: `{name}` is not a known time zone: did you mean `{nearest}`?")]
    UnknownTimeZone {
        /// As given.
        name: String,
        /// The known name that is most like it.
        nearest: String,
    },
    /// Name a day: a window without one never opens.
    #[error("{field} is empty, so the window never opens: name a day, or leave the field out for every day")]
    NoDays {
        /// The field.
        field: String,
    },
    /// Choose two different times.
    #[error("{field}: `from` and `until` are both {time}; for a whole day write 00:00 and 24:00")]
    EmptyWindow {
        /// The window.
        field: String,
        /// Both of its times.
        time: LocalTime,
    },
    /// Begin at the beginning of the next day.
    #[error("{field} is 24:00, the end of a day: begin at 00:00 of the day that follows")]
    BeginsAtEndOfDay {
        /// The field.
        field: String,
    },
    /// Choose another duration.
    #[error("{field} is {}: expected whole seconds, from {} to {}", friendly_text(*value), friendly_text(*least), friendly_text(*most))]
    Duration {
        /// The field.
        field: String,
        /// As given.
        value: Duration,
        /// The least possible one.
        least: Duration,
        /// The greatest possible one.
        most: Duration,
    },
    /// Exchange or correct the ends of a freeze.
    #[error("{field}: `until` {until} is not after `from` {from}: exchange them, or choose a later `until`")]
    FreezeEndsBeforeItBegins {
        /// The freeze.
        field: String,
        /// As given.
        from: Moment,
        /// As given.
        until: Moment,
    },
    /// Choose a time that exists, within the years -9999 to 9999.
    #[error("{field}: {moment} is beyond the ends of the calendar: choose a year up to 9999")]
    BeyondTheCalendar {
        /// The field.
        field: String,
        /// As given.
        moment: Moment,
    },
    /// Exchange the ends of the jitter.
    #[error(
        "jitter: `min` {} is longer than `max` {}: exchange them, or choose a longer `max`",
        friendly_text(jitter.min),
        friendly_text(jitter.max)
    )]
    JitterOrder {
        /// As given.
        jitter: Jitter,
    },
    /// Shorten the jitter, or lengthen the window: it could pass before the rollout begins.
    #[error(
        "jitter: `max` {} is not shorter than {field}, which is open for {}: a rollout could wait until it is closed again; \
         choose a `max` below {}, or a longer window",
        friendly_text(*max),
        friendly_text(*window),
        friendly_text(*window)
    )]
    JitterTooLong {
        /// As given.
        max: Duration,
        /// The window.
        field: String,
        /// How long that is open.
        window: Duration,
    },
}
