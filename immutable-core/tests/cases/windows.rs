//! Deploy windows: Spinnaker's, and the schedules of Karpenter's budgets.

use std::time::Duration;

use immutable_core::calendar::{Calendar, Jitter, ParseCronError, Weekday, Window};
use immutable_core::{Seed, Timestamp};

use crate::table::{Answers, Row, Table};

pub(crate) const TABLES: &[Table] = &[
    Table { name: "karpenter_windows", ask: karpenter_window },
    Table { name: "spinnaker_execution_windows", ask: spinnaker_window },
    Table { name: "spinnaker_window_jitter", ask: spinnaker_jitter },
];

/// When a rollout that is asked for at a time may begin, on the clock of the place.
fn spinnaker_window(row: &Row) -> Answers {
    let (year, place) = row.text("year_and_zone").split_once(' ').unwrap();
    let chosen = |number: &str| Weekday::ALL[number.parse::<usize>().unwrap() - 1];
    let days: Vec<Weekday> = match row.text("allowed_days") {
        "" => Weekday::ALL.to_vec(),
        days => days.split(' ').map(chosen).collect(),
    };
    let windows = match row.text("allowed_windows") {
        // Without hours, the days alone are the window.
        "" => "00:00-24:00",
        windows => windows,
    };
    let window = |text: &str| {
        let (from, until) = text.split_once('-').unwrap();
        Window::weekly(days.clone(), from.parse().unwrap(), until.parse().unwrap())
    };
    let builder = Calendar::builder().time_zone(place);
    let calendar = windows.split('|').map(window).fold(builder, |builder, window| builder.window(window));

    let zone = jiff::tz::TimeZoneDatabase::bundled().get(place).unwrap();
    let asked = format!("{year} {}", row.text("asked_at"));
    let asked = jiff::civil::DateTime::strptime("%Y %m/%d %H:%M:%S", asked).unwrap();
    let asked: Timestamp = zone.to_timestamp(asked).unwrap().to_string().parse().unwrap();
    let opens = calendar.build().unwrap().next_open(asked, Seed::new(0)).unwrap();
    let opens: jiff::Timestamp = opens.to_string().parse().unwrap();
    Answers::new(row.text("expect_start_at"), zone.to_datetime(opens).strftime("%m/%d %H:%M:%S"))
}

/// Spinnaker adds a task that waits; here the opening itself is later. Of fifty rollouts some wait, and none longer or
/// shorter than it may.
fn spinnaker_jitter(row: &Row) -> Answers {
    let seconds = |column| Duration::from_secs(row.number(column).into());
    let jitter = Jitter::new(seconds("min_delay_s"), seconds("max_delay_s"));
    let window = Window::weekly(Weekday::ALL, "10:00".parse().unwrap(), "13:00".parse().unwrap());
    let builder = Calendar::builder().window(window);
    let builder = if row.flag("jitter_enabled") { builder.jitter(jitter) } else { builder };
    let calendar = builder.build().unwrap();
    let opening: Timestamp = "2015-02-13T10:00:00Z".parse().unwrap();
    let delay = |seed| calendar.next_open(opening, Seed::new(seed)).unwrap().since(opening);
    let delays: Vec<Duration> = (0..50).map(delay).collect();
    let waits = delays.iter().any(|delay| !delay.is_zero());
    let bounds = jitter.min..=jitter.max;
    assert!(!waits || delays.iter().all(|delay| bounds.contains(delay)), "{delays:?} not in {bounds:?}");
    Answers::new(row.number("expect_wait_tasks"), u32::from(waits))
}

/// Whether a schedule is active. Without one it always is.
fn karpenter_window(row: &Row) -> Answers {
    let now: Timestamp = row.text("now").split(' ').next().unwrap().parse().unwrap();
    let calendar = match row.text("schedule_utc") {
        "" => Ok(Calendar::builder().build().unwrap()),
        schedule => scheduled(schedule, row.text("duration")),
    };
    let ours =
        calendar.map_or_else(|_| "error".to_owned(), |open| open.is_open(now, Seed::new(0)).to_string());
    Answers::new(if row.flag("expect_error") { "error" } else { row.text("expect_active") }, ours)
}

/// Open for so many minutes or hours (`30m`, `1h`) from each time of the schedule.
pub(crate) fn scheduled(schedule: &str, duration: &str) -> Result<Calendar, ParseCronError> {
    let (number, unit) = duration.split_at(duration.len() - 1);
    let unit = match unit {
        "h" => 3600,
        "m" => 60,
        _ => panic!("{duration}"),
    };
    let open_for = Duration::from_secs(number.parse::<u64>().unwrap() * unit);
    Ok(Calendar::builder().window(Window::cron(schedule.parse()?, open_for)).build().unwrap())
}
