//! The deploy calendar: when a rollout may act, by windows and freezes in a time zone.
//!
//! [`Calendar`] is a pure function of time: the kernel asks [`Calendar::is_open`] at every decision and
//! [`Calendar::next_change`] to know when to wake. The rules of time zones come with the crate and are never read from
//! the system, so that two machines agree about an hour.
//!
//! # What a local time means when the clock jumps
//!
//! One rule for windows and schedules: **a local time that the clock shows twice counts both times, and one that the
//! clock skips stands for the moment of the jump**. So a weekly window is open exactly when the local clock shows a time
//! in it (one that lies wholly in the skipped hour does not open on that day), and a cron window that would begin in the
//! skipped hour begins at the jump. Freezes read it the long way: a `from` that is shown twice is the first, an `until` the
//! second. Durations are elapsed time: a window of 24 hours that begins every midnight is closed for an hour on the day
//! that has 25.

#[expect(clippy::module_inception, reason = "the file of the type `Calendar`")]
mod calendar;
mod cron;
mod error;
mod freeze;
mod jitter;
mod local_clock;
mod local_time;
mod on_close;
mod openings;
mod runs;
mod week;
mod weekday;
mod window;

pub use calendar::{Calendar, CalendarBuilder};
pub use cron::{CronSchedule, ParseCronError};
pub use error::CalendarError;
pub use freeze::{Freeze, Moment, ParseMomentError};
pub use jitter::Jitter;
pub use local_time::{LocalTime, ParseLocalTimeError};
pub use on_close::OnClose;
pub use openings::Closed;
pub use weekday::Weekday;
pub use window::{CronWindow, WeeklyWindow, Window};
