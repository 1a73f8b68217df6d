//! Calendars that never open, or never as they are written.

use immutable_core::calendar::{Calendar, CalendarBuilder};

use crate::source::says;
use crate::table::{Row, assert_all_kinds, assert_all_sentences, assert_golden, text};

fn refused(file: &str) -> Row {
    let builder: CalendarBuilder = toml::from_str(file).unwrap_or_else(|error| panic!("{file}: {error}"));
    Row::new(&builder.build().unwrap_err())
}

#[test]
fn every_kind_of_calendar_that_cannot_be_kept() {
    let rows = [
        "time_zone = 'Europe/Berln'",
        "windows = [{ weekly = { days = [], from = '09:00', until = '17:00' } }]",
        "windows = [{ weekly = { from = '09:00', until = '09:00' } }]",
        "windows = [{ weekly = { from = '24:00', until = '05:00' } }]",
        "windows = [{ cron = { schedule = '@daily', duration = '0s' } }]",
        "windows = [{ cron = { schedule = '@daily', duration = '9000h' } }]",
        "jitter = { max = '25h' }",
        "freezes = [{ from = '2027-01-03', until = '2026-12-20', reason = 'holidays' }]",
        "freezes = [{ from = '2026-12-20', until = '9999-12-31', reason = 'for ever' }]",
        "jitter = { min = '10m', max = '1m' }",
        "jitter = { max = '1h' }\nwindows = [{ cron = { schedule = '@daily', duration = '1h' } }]",
    ];
    let rows = rows.map(refused);
    assert_all_kinds(&rows, "calendar/error.rs", "CalendarError");
    assert_golden!("calendar", text(&rows));
}

#[test]
fn every_sentence_about_a_schedule() {
    let rows =
        ["tomorrow", "61 * * * *", "* * * FEBRUARY *", "* * * * FRI-MON", "*/99 * * * *", "0 0 30 2 *"];
    let rows =
        rows.map(|text| Row::new(&text.parse::<immutable_core::calendar::CronSchedule>().unwrap_err()));
    assert_all_sentences(&rows, &["calendar/cron.rs".to_owned()]);
    assert_golden!("schedules", text(&rows));
    assert!(says(
        "the minute `61` is not one of 0 to 59",
        "the {} `{text}` is not one of {low} to {high}{names}"
    ));
}

/// What does not even fit the form of a calendar.
#[test]
fn files_that_are_no_calendars() {
    let rows = [
        "timezone = 'UTC'",
        "on_close = 'explode'",
        "windows = [{ daily = {} }]",
        "windows = [{ weekly = { days = ['mo'], from = '09:00', until = '17:00' } }]",
        "windows = [{ weekly = { from = '9', until = '17:00' } }]",
        "windows = [{ weekly = { from = '09:00' } }]",
        "windows = [{ cron = { schedule = '@daily', duration = 5 } }]",
        "windows = [{ cron = { schedule = '@daily', duration = '5' } }]",
        "freezes = [{ from = 'soon', until = '2026-12-20', reason = '' }]",
    ];
    let refused = |file: &str| {
        let error = toml::from_str::<Calendar>(file).unwrap_err();
        format!("{file}\n    {}\n", error.message())
    };
    assert_golden!("calendar_files", rows.map(refused).concat());
}
