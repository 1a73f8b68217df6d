//! The deploy calendar against an oracle that looks at every minute, in zones whose clocks jump in different ways.

use std::collections::BTreeSet;
use std::time::Duration;

use immutable_core::calendar::{
    Calendar, CalendarBuilder, CalendarError, Closed, Freeze, Jitter, OnClose, Weekday, Window,
};
use immutable_core::{Seed, Timestamp};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};

const NOBODY: Seed = Seed::new(0);

/// Jumps of one hour, half an hour, two hours, a whole day; at midnight, at 00:01; none at all; an offset of 45 minutes.
const ZONES: [&str; 13] = [
    "America/New_York",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "Antarctica/Troll",
    "Pacific/Apia",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Africa/Casablanca",
    "Africa/Cairo",
    "Asia/Beirut",
    "Pacific/Chatham",
    "Asia/Kathmandu",
    "UTC",
];

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A time after 1970.
fn at(second: i64) -> Timestamp {
    Timestamp::from_unix(Duration::from_secs(second.unsigned_abs()))
}

fn second(time: Timestamp) -> i64 {
    i64::try_from(time.since(Timestamp::UNIX_EPOCH).as_secs()).unwrap()
}

fn hours(hours: u64) -> Duration {
    Duration::from_secs(hours * 3600)
}

fn weekly(days: impl IntoIterator<Item = Weekday>, from: &str, until: &str) -> Window {
    Window::weekly(days, from.parse().unwrap(), until.parse().unwrap())
}

fn cron(schedule: &str, duration: Duration) -> Window {
    Window::cron(schedule.parse().unwrap(), duration)
}

fn freeze(from: &str, until: &str) -> Freeze {
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
            "freezes[0]: `until` 2026-12-20 is not after `from` 2027-01-03",
        ),
        (
            error(Calendar::builder().freeze(freeze("2026-12-20", "9999-12-31"))),
            "freezes[0].until: 9999-12-31 is beyond the ends of the calendar: choose a year up to 9999",
        ),
        (error(hour("09:00", "17:00").jitter(jitter(600, 60))), "jitter: `min` 10m is longer than `max` 1m"),
        (
            error(Calendar::builder().jitter(jitter(0, 86_401))),
            "jitter.max is 24h 1s: expected whole seconds, from 0s to 24h",
        ),
        (
            error(hour("09:00", "17:00").window(cron("@daily", hours(1))).jitter(jitter(0, 3600))),
            "jitter: `max` 1h is not shorter than windows[1], which is open for 1h: a rollout could wait until it is \
             closed again",
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

/// A calendar as the oracle sees it.
#[derive(Clone, Debug)]
struct Described {
    zone: &'static str,
    hours: Vec<Hours>,
    starts: Vec<Starts>,
    /// In seconds since the epoch.
    freezes: Vec<(i64, i64)>,
}

/// A weekly window, in minutes of the day.
#[derive(Clone, Debug)]
struct Hours {
    days: Vec<Weekday>,
    from: u32,
    until: u32,
}

/// A cron window that starts at these hours and minutes of these days.
#[derive(Clone, Debug)]
struct Starts {
    minutes: Vec<u32>,
    hours: Vec<u32>,
    /// 0 is Sunday.
    days: Vec<u32>,
    duration: i64,
}

impl Described {
    fn calendar(&self) -> CalendarBuilder {
        let clock = |minute: u32| format!("{:02}:{:02}", minute / 60, minute % 60);
        let list = |values: &[u32]| values.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
        let mut builder = Calendar::builder().time_zone(self.zone);
        for hours in &self.hours {
            builder = builder.window(weekly(hours.days.clone(), &clock(hours.from), &clock(hours.until)));
        }
        for start in &self.starts {
            let text = format!("{} {} * * {}", list(&start.minutes), list(&start.hours), list(&start.days));
            builder = builder.window(cron(&text, Duration::from_secs(start.duration.unsigned_abs())));
        }
        for (from, until) in &self.freezes {
            builder = builder.freeze(freeze(&at(*from).to_string(), &at(*until).to_string()));
        }
        builder
    }

    /// What the calendar means, without any search: what the clock shows, and every minute before.
    fn is_open(&self, zone: &TimeZone, now: i64) -> bool {
        let shown = |at: i64| zone.to_datetime(jiff::Timestamp::from_second(at).unwrap());
        let frozen = self.freezes.iter().any(|(from, until)| (*from..*until).contains(&now));
        let local = shown(now);
        let minute = u32::from(local.hour().unsigned_abs()) * 60 + u32::from(local.minute().unsigned_abs());
        let today = Weekday::ALL[usize::from(local.weekday().to_monday_zero_offset().unsigned_abs())];
        let yesterday =
            Weekday::ALL[usize::from(local.weekday().previous().to_monday_zero_offset().unsigned_abs())];
        let in_hours = self.hours.iter().any(|hours| {
            let (today, yesterday) = (hours.days.contains(&today), hours.days.contains(&yesterday));
            if hours.from < hours.until {
                today && (hours.from..hours.until).contains(&minute)
            } else {
                today && minute >= hours.from || yesterday && minute < hours.until
            }
        });
        let started = self.starts.iter().any(|start| {
            let matches = |local: jiff::civil::DateTime| {
                start.minutes.contains(&local.minute().unsigned_abs().into())
                    && start.hours.contains(&local.hour().unsigned_abs().into())
                    && start.days.contains(&local.weekday().to_sunday_zero_offset().unsigned_abs().into())
            };
            // All offsets since 1973 are whole minutes.
            let mut at = now.div_euclid(60) * 60;
            while at > now - start.duration {
                let mut minute = shown(at);
                if matches(minute) {
                    return true;
                }
                // What the clock skipped before it showed this.
                let before = shown(at - 60);
                while minute.duration_since(before) > jiff::SignedDuration::from_secs(60) {
                    minute = minute.checked_sub(jiff::SignedDuration::from_secs(60)).unwrap();
                    if matches(minute) {
                        return true;
                    }
                }
                at -= 60;
            }
            false
        });
        let always = self.hours.is_empty() && self.starts.is_empty();
        !frozen && (always || in_hours || started)
    }
}

/// A time near a jump of the clock of the zone, when it has any, or any time of these years.
fn moments(zone: &'static str) -> impl Strategy<Value = i64> {
    let start: jiff::Timestamp = "2005-01-01T00:00:00Z".parse().unwrap();
    let end: jiff::Timestamp = "2032-01-01T00:00:00Z".parse().unwrap();
    let jumps: Vec<i64> = TimeZoneDatabase::bundled()
        .get(zone)
        .unwrap()
        .following(start)
        .map(|jump| jump.timestamp().as_second())
        .take_while(|at| *at < end.as_second())
        .collect();
    let whenever = start.as_second()..end.as_second();
    (whenever, any::<Index>(), -90_000i64..90_000, prop::bool::weighted(0.8)).prop_map(
        move |(any, jump, offset, near)| {
            if jumps.is_empty() || !near { any } else { jump.get(&jumps) + offset / 60 * 60 + offset % 2 }
        },
    )
}

fn described() -> impl Strategy<Value = (Described, i64)> {
    let quarter = || (0u32..96).prop_map(|quarter| quarter * 15);
    let hours = (subsequence(Weekday::ALL.to_vec(), 1..=7), quarter(), quarter())
        .prop_filter("a window has a length", |(_, from, until)| from != until)
        .prop_map(|(days, from, until)| Hours { days, from, until });
    let some = |values: std::ops::Range<u32>, most: usize| subsequence(values.collect::<Vec<_>>(), 1..=most);
    let starts = (
        prop_oneof![some(0..60, 4), some(0..60, 60), Just((0..60).collect())],
        prop_oneof![some(0..24, 3), some(0..24, 24), Just((0..24).collect())],
        prop_oneof![some(0..7, 7), Just((0..7).collect())],
        prop_oneof![1i64..7200, Just(60), Just(3600), Just(86_400), 80_000i64..180_000],
    )
        .prop_map(|(minutes, hours, days, duration)| Starts { minutes, hours, days, duration });
    let freezes = prop::collection::vec((-200_000i64..200_000, 1i64..300_000), 0..3);
    (select(ZONES.to_vec()), prop::collection::vec(hours, 0..3), prop::collection::vec(starts, 0..2), freezes)
        .prop_flat_map(|(zone, hours, starts, freezes)| {
            (Just(Described { zone, hours, starts, freezes }), moments(zone))
        })
        .prop_map(|(mut described, now)| {
            for freeze in &mut described.freezes {
                *freeze = (now + freeze.0, now + freeze.0 + freeze.1);
            }
            (described, now)
        })
}

fn config(cases: u32) -> ProptestConfig {
    // `PROPTEST_CASES` can ask for more.
    let default = ProptestConfig::default();
    ProptestConfig { cases: default.cases.max(cases), failure_persistence: None, ..default }
}

proptest! {
    #![proptest_config(config(4000))]

    /// The calendar is open exactly when the local clock says so; the next change is a change, and nothing changes
    /// before it; the next opening is now exactly when it is open now, and else the next change.
    #[test]
    fn the_calendar_says_what_the_clock_on_the_wall_says((described, now) in described(), samples in prop::collection::vec(0.0..1.0f64, 6)) {
        let zone = TimeZoneDatabase::bundled().get(described.zone).unwrap();
        let calendar = described.calendar().build().unwrap();
        let open = described.is_open(&zone, now);
        prop_assert_eq!(calendar.is_open(at(now), NOBODY), open);
        prop_assert_eq!(calendar.closed(at(now), NOBODY).is_none(), open);

        let change = calendar.next_change(at(now), NOBODY);
        let next_open = calendar.next_open(at(now), NOBODY);
        prop_assert_eq!(next_open, if open { Some(at(now)) } else { change });
        let end = match change {
            Some(change) => {
                let change = second(change);
                prop_assert!(change > now);
                prop_assert_ne!(described.is_open(&zone, change), open, "at {}", at(change));
                change
            }
            None => {
                prop_assert!(open, "every generated calendar opens again");
                now + 400 * 86_400
            }
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "any second in between will do")]
        let between = samples.iter().map(|part| now + ((end - now) as f64 * part) as i64);
        for moment in between.chain([end - 1, end.min(now + 60), end.min(now + 3600)]).filter(|moment| *moment < end) {
            prop_assert_eq!(described.is_open(&zone, moment), open, "at {}", at(moment));
        }
    }

    /// With jitter a calendar is open exactly when it has been open without it for the whole delay.
    #[test]
    fn jitter_only_ever_takes_the_beginning_of_an_opening((described, now) in described(), seed in any::<u64>(), most in 0u64..7200) {
        let seed = Seed::new(seed);
        let jitter = Jitter::new(Duration::from_secs(most / 2), Duration::from_secs(most));
        let Ok(calendar) = described.calendar().jitter(jitter).build() else { return Ok(()) };
        let plain = described.calendar().build().unwrap();
        let delay = i64::try_from(jitter.delay(seed).as_secs()).unwrap();
        let been_open = |moment: i64| (0..=delay / 30).map(|half| half * 30).chain([delay]).all(|ago| plain.is_open(at(moment - ago), NOBODY));
        prop_assert_eq!(calendar.is_open(at(now), seed), been_open(now));
        let change = calendar.next_change(at(now), seed);
        if let Some(change) = change {
            let change = second(change);
            prop_assert!(change > now);
            prop_assert_ne!(been_open(change), been_open(now));
            prop_assert_eq!(been_open(change - 1), been_open(now));
        }
        prop_assert_eq!(calendar.next_open(at(now), seed), if been_open(now) { Some(at(now)) } else { change });
    }

    /// A calendar that is stored and read again is the same.
    #[test]
    fn storing_a_calendar_loses_nothing((described, _) in described()) {
        let calendar = described.calendar().build().unwrap();
        let stored = serde_json::to_string(&calendar).unwrap();
        prop_assert_eq!(serde_json::from_str::<Calendar>(&stored).unwrap(), calendar);
    }
}
