//! The deploy calendar at the edges of windows, freezes and jumps of the clock, and what it says of mistakes.

use std::collections::BTreeSet;
use std::time::Duration;

use immutable_core::calendar::{
    Calendar, CalendarBuilder, CalendarError, Closed, Freeze, Jitter, OnClose, Weekday, Window,
};
use immutable_core::{Seed, Timestamp};

use crate::calendar_oracle::ZONES;

pub(crate) const NOBODY: Seed = Seed::new(0);

pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A time after 1970.
pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_unix(Duration::from_secs(second.unsigned_abs()))
}

pub(crate) fn second(time: Timestamp) -> i64 {
    i64::try_from(time.since(Timestamp::UNIX_EPOCH).as_secs()).unwrap()
}

pub(crate) fn hours(hours: u64) -> Duration {
    Duration::from_secs(hours * 3600)
}

pub(crate) fn weekly(days: impl IntoIterator<Item = Weekday>, from: &str, until: &str) -> Window {
    Window::weekly(days, from.parse().unwrap(), until.parse().unwrap())
}

pub(crate) fn cron(schedule: &str, duration: Duration) -> Window {
    Window::cron(schedule.parse().unwrap(), duration)
}

pub(crate) fn freeze(from: &str, until: &str) -> Freeze {
    Freeze::new(from.parse().unwrap(), until.parse().unwrap(), "test")
}

/// The changes after `start`, as many as asked for.
fn changes(calendar: &Calendar, start: &str, count: usize) -> Vec<String> {
    let next = |now: &Timestamp| calendar.next_change(*now, NOBODY);
    std::iter::successors(next(&time(start)), next).take(count).map(|change| change.to_string()).collect()
}

#[test]
fn a_window_in_the_skipped_hour_does_not_open_and_one_around_it_is_shorter() {
    // On 2026-03-08 the clock of New York jumps from 02:00 to 03:00, at 07:00 UTC.
    let inside =
        Calendar::builder().time_zone("America/New_York").window(weekly(Weekday::ALL, "02:15", "02:45"));
    assert_eq!(
        changes(&inside.build().unwrap(), "2026-03-07T07:45:00Z", 2),
        ["2026-03-09T06:15:00Z", "2026-03-09T06:45:00Z"]
    );
    let around =
        Calendar::builder().time_zone("America/New_York").window(weekly(Weekday::ALL, "02:30", "03:30"));
    assert_eq!(
        changes(&around.build().unwrap(), "2026-03-08T00:00:00Z", 2),
        ["2026-03-08T07:00:00Z", "2026-03-08T07:30:00Z"]
    );
}

#[test]
fn a_window_in_the_repeated_hour_opens_both_times() {
    // On 2026-11-01 the clock of New York falls from 02:00 to 01:00, at 06:00 UTC.
    let inside =
        Calendar::builder().time_zone("America/New_York").window(weekly(Weekday::ALL, "01:15", "01:45"));
    assert_eq!(
        changes(&inside.build().unwrap(), "2026-11-01T00:00:00Z", 4),
        ["2026-11-01T05:15:00Z", "2026-11-01T05:45:00Z", "2026-11-01T06:15:00Z", "2026-11-01T06:45:00Z"]
    );
    let around =
        Calendar::builder().time_zone("America/New_York").window(weekly(Weekday::ALL, "01:00", "03:00"));
    assert_eq!(
        changes(&around.build().unwrap(), "2026-11-01T00:00:00Z", 2),
        ["2026-11-01T05:00:00Z", "2026-11-01T08:00:00Z"],
        "three hours in one piece"
    );
}

#[test]
fn the_hits_of_a_day_that_the_clock_skips_are_one_at_the_jump() {
    // In Apia Thursday, 2011-12-29 was followed by Saturday, at 10:00 UTC. No hit of that Saturday keeps it open.
    let calendar = Calendar::builder().time_zone("Pacific/Apia").window(cron("0 * * * WED,FRI", hours(24)));
    assert_eq!(
        changes(&calendar.build().unwrap(), "2011-12-30T00:00:00Z", 3),
        ["2011-12-30T09:00:00Z", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"]
    );
}

#[test]
fn a_schedule_in_the_skipped_hour_begins_at_the_jump_and_lasts_as_long_as_always() {
    let nightly = Calendar::builder().time_zone("America/New_York").window(cron("30 2 * * *", hours(2)));
    assert_eq!(
        changes(&nightly.build().unwrap(), "2026-03-08T00:00:00Z", 4),
        ["2026-03-08T07:00:00Z", "2026-03-08T09:00:00Z", "2026-03-09T06:30:00Z", "2026-03-09T08:30:00Z"]
    );
    let twice = Calendar::builder().time_zone("America/New_York").window(cron("30 1 * * *", hours(1) / 2));
    assert_eq!(
        changes(&twice.build().unwrap(), "2026-11-01T00:00:00Z", 4),
        ["2026-11-01T05:30:00Z", "2026-11-01T06:00:00Z", "2026-11-01T06:30:00Z", "2026-11-01T07:00:00Z"]
    );
}

#[test]
fn a_duration_is_elapsed_time_so_a_day_of_25_hours_leaves_one() {
    let daily =
        Calendar::builder().time_zone("Europe/Berlin").window(cron("@daily", hours(24))).build().unwrap();
    assert_eq!(
        changes(&daily, "2026-06-01T00:00:00Z", 2),
        ["2026-10-25T22:00:00Z", "2026-10-25T23:00:00Z"],
        "the day with two hours from 02:00 to 03:00"
    );
}

#[test]
fn windows_of_a_schedule_that_do_not_touch_stay_apart() {
    let minutes = Calendar::builder().window(cron("0,2 9 * * *", Duration::from_secs(60))).build().unwrap();
    assert_eq!(
        changes(&minutes, "2026-11-23T00:00:00Z", 4),
        ["2026-11-23T09:00:00Z", "2026-11-23T09:01:00Z", "2026-11-23T09:02:00Z", "2026-11-23T09:03:00Z"]
    );
    let almost = Calendar::builder().window(cron("@daily", Duration::from_secs(86_399))).build().unwrap();
    assert_eq!(changes(&almost, "2026-11-23T00:00:00Z", 2), ["2026-11-23T23:59:59Z", "2026-11-24T00:00:00Z"]);
    // At 01:00 UTC, when Berlin's clock would show 03:00, it falls to 02:00.
    let around =
        Calendar::builder().time_zone("Europe/Berlin").window(cron("0 1,3 * * *", hours(2))).build().unwrap();
    assert_eq!(
        changes(&around, "2026-10-24T23:30:00Z", 3),
        ["2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z", "2026-10-25T04:00:00Z"]
    );
}

#[test]
fn the_end_of_one_window_is_the_beginning_of_the_next() {
    let calendar = Calendar::builder()
        .window(weekly([Weekday::Sunday], "22:00", "05:00"))
        .window(weekly([Weekday::Monday], "05:00", "24:00"))
        .window(cron("0 0 * * TUE", hours(1)))
        .build()
        .unwrap();
    assert_eq!(
        changes(&calendar, "2026-11-22T00:00:00Z", 2),
        ["2026-11-22T22:00:00Z", "2026-11-24T01:00:00Z"]
    );
}

#[test]
fn a_freeze_wins_over_every_window_and_ends_into_them() {
    let calendar = Calendar::builder()
        .window(weekly(Weekday::WORKDAYS, "09:00", "17:00"))
        .freeze(freeze("2026-11-24T12:00", "2026-11-25T10:00"))
        .freeze(freeze("2026-11-25T08:00:00Z", "2026-11-25T16:30:00Z"))
        .build()
        .unwrap();
    let noon = time("2026-11-24T12:00:00Z");
    assert_eq!(
        changes(&calendar, "2026-11-24T10:00:00Z", 3),
        ["2026-11-24T12:00:00Z", "2026-11-25T16:30:00Z", "2026-11-25T17:00:00Z"]
    );
    assert_eq!(calendar.closed(noon, NOBODY), Some(Closed::Freeze(&calendar.freezes()[0])));
    let both = calendar.closed(time("2026-11-25T09:30:00Z"), NOBODY);
    assert_eq!(both, Some(Closed::Freeze(&calendar.freezes()[1])), "the one that lasts longest");
    assert_eq!(calendar.closed(time("2026-11-25T17:00:00Z"), NOBODY), Some(Closed::Window));
    assert_eq!(calendar.closed(time("2026-11-25T16:59:59.999Z"), NOBODY), None);
}

#[test]
fn jitter_begins_later_after_a_window_opens_and_after_a_freeze_ends_but_never_lasts_longer() {
    let calendar = Calendar::builder()
        .window(weekly(Weekday::ALL, "09:00", "17:00"))
        .freeze(freeze("2026-11-24T12:00:00Z", "2026-11-24T13:00:00Z"))
        .jitter(Jitter::new(Duration::from_secs(60), Duration::from_secs(3600)))
        .build()
        .unwrap();
    let mut delays = BTreeSet::new();
    for number in 0..100 {
        let seed = Seed::new(number);
        let delay = calendar.jitter().unwrap().delay(seed);
        delays.insert(delay);
        let opening = time("2026-11-24T09:00:00Z");
        assert_eq!(calendar.next_open(opening, seed), Some(opening + delay));
        assert_eq!(calendar.closed(opening, seed), Some(Closed::Jitter));
        assert_eq!(calendar.next_change(opening + delay, seed), Some(time("2026-11-24T12:00:00Z")));
        let thaw = time("2026-11-24T13:00:00Z");
        assert_eq!(calendar.next_change(time("2026-11-24T12:00:00Z"), seed), Some(thaw + delay));
        assert_eq!(calendar.next_change(thaw + delay, seed), Some(time("2026-11-24T17:00:00Z")));
    }
    assert!(delays.len() > 90, "fleets do not begin together: {delays:?}");
}

#[test]
fn an_opening_that_ends_before_or_when_the_jitter_is_over_is_no_opening() {
    for end in ["2026-11-24T09:05:00Z", "2026-11-24T09:10:00Z"] {
        let calendar = Calendar::builder()
            .window(weekly(Weekday::ALL, "09:00", "17:00"))
            .freeze(freeze(end, "2026-11-24T16:58:00Z"))
            .jitter(Jitter::new(Duration::from_secs(600), Duration::from_secs(600)))
            .build()
            .unwrap();
        let before = time("2026-11-24T08:00:00Z");
        assert_eq!(calendar.next_open(before, NOBODY), Some(time("2026-11-25T09:10:00Z")));
    }
}

#[test]
fn without_a_window_it_is_open_but_in_a_freeze() {
    let open = Calendar::default();
    assert!(open.is_unrestricted());
    assert!(open.is_open(Timestamp::UNIX_EPOCH, NOBODY));
    assert_eq!(open.next_change(Timestamp::UNIX_EPOCH, NOBODY), None);
    assert_eq!(open.to_string(), "always");
    let frozen = Calendar::builder().freeze(freeze("2030-01-01", "2030-01-01")).build().unwrap();
    assert_eq!(changes(&frozen, "1970-01-01T00:00:00Z", 3), ["2030-01-01T00:00:00Z", "2030-01-02T00:00:00Z"]);
}

#[test]
fn what_never_closes_says_so_and_what_opens_rarely_is_found() {
    let now = "2026-11-23T00:00:00Z";
    for window in [
        weekly(Weekday::ALL, "00:00", "24:00"),
        weekly(Weekday::ALL, "12:00", "11:59:59"),
        cron("* * * * *", hours(1)),
        cron("@daily", hours(48)),
        cron("0 */6 * * *", hours(7)),
    ] {
        let text = window.to_string();
        let zone = Calendar::builder().time_zone("Europe/Berlin").window(window);
        let shut = zone.window(weekly(Weekday::ALL, "11:00", "13:00")).build().unwrap();
        assert_eq!(changes(&shut, now, 1), [""; 0], "{text}");
        assert!(shut.is_open(time(now), NOBODY));
    }
    let later =
        Calendar::builder().window(cron("* * * * *", hours(1))).freeze(freeze("2029-01-01", "2029-01-01"));
    assert_eq!(changes(&later.build().unwrap(), now, 1), ["2029-01-01T00:00:00Z"]);
    // Closed on 29 February only: too far away to be seen, and not to be passed over for the freeze behind it.
    let far = Calendar::builder()
        .window(cron("0 0 * 1,3-12 *", hours(24)))
        .window(cron("0 0 1-28 2 *", hours(24)))
        .freeze(freeze("2029-01-01", "2029-01-01"))
        .build()
        .unwrap();
    assert_eq!(changes(&far, now, 1), [""; 0]);
    assert_eq!(changes(&far, "2027-11-23T00:00:00Z", 1), ["2028-02-29T00:00:00Z"]);
    let leap = Calendar::builder().window(cron("0 0 29 2 *", hours(1))).build().unwrap();
    assert_eq!(changes(&leap, "2096-03-01T00:00:00Z", 1), ["2104-02-29T00:00:00Z"]);
}

#[test]
fn the_ends_of_time_are_no_error() {
    let last = Timestamp::MAX;
    let first = time("-009999-01-02T01:59:59Z");
    for zone in ZONES {
        for window in [
            weekly([Weekday::Monday], "09:00", "08:00"),
            weekly(Weekday::ALL, "00:00", "24:00"),
            cron("* * * * *", Duration::from_secs(1)),
            cron("0 0 29 2 *", hours(24 * 366)),
        ] {
            let calendar = Calendar::builder().time_zone(zone).window(window).build().unwrap();
            for now in [first, last, last.saturating_sub(hours(30)), first + hours(30)] {
                assert_eq!(calendar.is_open(now, NOBODY), calendar.next_open(now, NOBODY) == Some(now));
                assert!(calendar.next_change(now, NOBODY).is_none_or(|change| change > now));
            }
        }
    }
}

#[test]
fn a_calendar_is_written_as_it_is_read() {
    let json = r#"{
        "time_zone": "europe/berlin",
        "windows": [
            {"weekly": {"days": ["monday", "tue", "wed", "fri", "sun"], "from": "22:00", "until": "05:00:30"}},
            {"weekly": {"from": "12:00", "until": "13:00"}},
            {"cron": {"schedule": "0 9 * * MON-FRI", "duration": "8h"}}
        ],
        "freezes": [{"from": "2026-12-20T18:00", "until": "2027-01-03", "reason": "holidays"}],
        "jitter": {"max": "10m"},
        "on_close": "finish"
    }"#;
    let calendar: Calendar = serde_json::from_str(json).unwrap();
    assert_eq!(
        calendar.to_string(),
        "Mon–Wed,Fri,Sun 22:00–05:00:30, daily 12:00–13:00, 8h from `0 9 * * MON-FRI` in Europe/Berlin, but not from \
         2026-12-20T18:00:00 until 2027-01-03 (holidays); begins 0s to 10m after an opening; finishes the stage when it \
         closes"
    );
    assert_eq!(calendar.on_close(), OnClose::Finish);
    let stored = serde_json::to_string(&calendar).unwrap();
    assert_eq!(serde_json::from_str::<Calendar>(&stored).unwrap(), calendar);
    assert_eq!(serde_json::from_str::<Calendar>("{}").unwrap(), Calendar::default());
}

/// The error of this calendar.
fn error(builder: CalendarBuilder) -> CalendarError {
    builder.build().unwrap_err()
}

#[test]
fn every_mistake_names_the_field_the_value_and_the_way_out() {
    let hour = |from, until| Calendar::builder().window(weekly(Weekday::ALL, from, until));
    let jitter = |min, max| Jitter::new(Duration::from_secs(min), Duration::from_secs(max));
    for (error, expected) in [
        (
            error(Calendar::builder().time_zone("Europe/Berln")),
            "time_zone: `Europe/Berln` is not a known time zone: did you mean `Europe/Berlin`?",
        ),
        (
            error(hour("09:00", "17:00").window(weekly([], "09:00", "17:00"))),
            "windows[1].days is empty, so the window never opens: name a day, or leave the field out for every day",
        ),
        (
            error(hour("09:00", "09:00")),
            "windows[0]: `from` and `until` are both 09:00; for a whole day write 00:00 and 24:00",
        ),
        (
            error(hour("24:00", "05:00")),
            "windows[0].from is 24:00, the end of a day: begin at 00:00 of the day that follows",
        ),
        (
            error(Calendar::builder().window(cron("@daily", Duration::ZERO))),
            "windows[0].duration is 0s: expected whole seconds, from 1s to 8784h",
        ),
        (
            error(Calendar::builder().window(cron("@daily", Duration::from_millis(1500)))),
            "windows[0].duration is 1s 500ms: expected whole seconds, from 1s to 8784h",
        ),
        (
            error(Calendar::builder().window(cron("@daily", Duration::MAX))),
            "windows[0].duration is 5124095576030431h 15s 999ms 999µs 999ns: expected whole seconds, from 1s to 8784h",
        ),
        (
            error(Calendar::builder().freeze(freeze("2027-01-03", "2026-12-20"))),
            "freezes[0]: `until` 2026-12-20 is not after `from` 2027-01-03: exchange them, or choose a later `until`",
        ),
        (
            error(Calendar::builder().freeze(freeze("2026-12-20", "9999-12-31"))),
            "freezes[0].until: 9999-12-31 is beyond the ends of the calendar: choose a year up to 9999",
        ),
        (
            error(hour("09:00", "17:00").jitter(jitter(600, 60))),
            "jitter: `min` 10m is longer than `max` 1m: exchange them, or choose a longer `max`",
        ),
        (
            error(Calendar::builder().jitter(jitter(0, 86_401))),
            "jitter.max is 24h 1s: expected whole seconds, from 0s to 24h",
        ),
        (
            error(hour("09:00", "17:00").window(cron("@daily", hours(1))).jitter(jitter(0, 3600))),
            "jitter: `max` 1h is not shorter than windows[1], which is open for 1h: a rollout could wait until it is \
             closed again; choose a `max` below 1h, or a longer window",
        ),
    ] {
        assert_eq!(error.to_string(), expected);
    }
    for (json, expected) in [
        (r#"{"windows": [{"weekly": {"from": "9", "until": "17:00"}}]}"#, "`9` is not a time of day"),
        (r#"{"windows": [{"weekly": {"from": "09:00"}}]}"#, "missing field `until`"),
        (r#"{"windows": [{"daily": {}}]}"#, "unknown variant `daily`, expected `weekly` or `cron`"),
        (
            r#"{"windows": [{"weekly": {"days": ["Mo"], "from": "09:00", "until": "10:00"}}]}"#,
            "unknown variant `Mo`",
        ),
        (
            r#"{"windows": [{"cron": {"schedule": "@wrongly", "duration": "1h"}}]}"#,
            "`@wrongly` is not a cron schedule",
        ),
        (
            r#"{"freezes": [{"from": "soon", "until": "2027-01-03", "reason": ""}]}"#,
            "`soon` is not a date or time",
        ),
        (r#"{"timezone": "UTC"}"#, "unknown field `timezone`, expected one of `time_zone`"),
        (
            r#"{"on_close": "explode"}"#,
            "unknown variant `explode`, expected one of `finish`, `hold`, `rollback`",
        ),
        (r#"{"time_zone": "Mars"}"#, "`Mars` is not a known time zone"),
    ] {
        let error = serde_json::from_str::<Calendar>(json).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
