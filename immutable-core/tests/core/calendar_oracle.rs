//! The deploy calendar against an oracle that looks at every minute, in zones whose clocks jump in different ways.

use std::time::Duration;

use immutable_core::Seed;
use immutable_core::calendar::{Calendar, CalendarBuilder, Jitter, Weekday};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};

use crate::calendar::{NOBODY, at, cron, freeze, second, weekly};

/// Jumps of one hour, half an hour, two hours, a whole day; at midnight, at 00:01; none at all; an offset of 45 minutes.
pub(crate) const ZONES: [&str; 13] = [
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

    /// Every second of a span, without its first one, at which the calendar can open or close: between two of them nothing
    /// changes, however short the time between them.
    fn turns(&self, after: i64, until: i64) -> impl Iterator<Item = i64> {
        // The clock turns at whole minutes, and a cron window ends its duration after one.
        let ends = self.starts.iter().map(|start| start.duration.rem_euclid(60));
        let minutes = [0].into_iter().chain(ends).flat_map(move |second| {
            let first = after + 1 + (second - after - 1).rem_euclid(60);
            (first..=until).step_by(60)
        });
        let edges = self.freezes.iter().flat_map(|(from, until)| [*from, *until]);
        minutes.chain(edges.filter(move |edge| (after + 1..=until).contains(edge)))
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

/// This many cases, unless `PROPTEST_CASES` asks for others than proptest's own 256.
fn config(cases: u32) -> ProptestConfig {
    let asked = ProptestConfig::default();
    let cases = if asked.cases == 256 { cases } else { asked.cases };
    ProptestConfig { cases, failure_persistence: None, ..asked }
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
        let been_open = |moment: i64| {
            let turns = described.turns(moment - delay, moment);
            turns.chain([moment - delay]).all(|turn| plain.is_open(at(turn), NOBODY))
        };
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
