//! Spinnaker's and Karpenter's own tables about deploy windows, each row a named case.
//!
//! | file | source | use |
//! |---|---|---|
//! | `spinnaker_execution_windows.csv` | spinnaker/orca `RestrictPipelineExecutionDuringTimeWindowSpec.groovy` | every row; two differ on purpose, see [`DIFFERENT`] |
//! | `spinnaker_window_jitter.csv` | the same file | every row |
//! | `karpenter_windows.csv` | kubernetes-sigs/karpenter `pkg/apis/v1/nodepool_budgets_test.go`, `IsActive` | every row |
//! | `karpenter_budgets.csv` | the same file, `GetAllowedDisruptions*` | every row, for its windows: which budgets are active comes from the calendar, the least of them is taken here |

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::time::Duration;

use immutable_core::calendar::{Calendar, Jitter, Weekday, Window};
use immutable_core::{Seed, Timestamp};
use libtest_mimic::{Arguments, Failed, Trial};

/// Rows of Spinnaker whose answer differs here, on purpose: asked at, windows, our answer.
///
/// A window of Spinnaker is closed at both ends, so it is open in the very second of its end. Here that second belongs to
/// what comes after: windows and freezes can follow each other without an overlap, and 24:00 is an end.
const DIFFERENT: [(&str, &str, &str); 1] =
    [("02/13 16:00:00", "10:00-11:00|13:00-14:00|15:00-16:00", "02/14 10:00:00")];

fn main() {
    let arguments = Arguments::from_args();
    let trials = [
        spinnaker_windows(include_str!("../cases/spinnaker_execution_windows.csv"), 43),
        spinnaker_jitter(include_str!("../cases/spinnaker_window_jitter.csv"), 4),
        karpenter_windows(include_str!("../cases/karpenter_windows.csv"), 6),
        karpenter_budgets(include_str!("../cases/karpenter_budgets.csv"), 14),
    ];
    libtest_mimic::run(&arguments, trials.into_iter().flatten().collect()).exit();
}

/// The rows of a table, with the number of their lines.
fn rows(table: &'static str, expected: usize) -> Vec<(usize, Vec<&'static str>)> {
    let lines = table.lines().enumerate().skip(1).filter(|(_, line)| !line.is_empty());
    let rows: Vec<_> = lines.map(|(index, line)| (index + 1, cells(line))).collect();
    assert_eq!(rows.len(), expected, "no row is dropped");
    rows
}

/// The cells of a line; a comma inside quotes does not separate.
fn cells(line: &str) -> Vec<&str> {
    let mut quoted = false;
    let separates = |c: char| {
        quoted ^= c == '"';
        c == ',' && !quoted
    };
    line.split(separates).map(|cell| cell.trim_matches('"')).collect()
}

fn equal<T: PartialEq + std::fmt::Debug>(ours: &T, expected: &T) -> Result<(), Failed> {
    if ours == expected { Ok(()) } else { Err(format!("{ours:?} instead of {expected:?}").into()) }
}

fn spinnaker_windows(table: &'static str, expected: usize) -> Vec<Trial> {
    let trial = |(line, row): (usize, Vec<&'static str>)| {
        let [place, asked, windows, days, start] = row[..] else { panic!("{row:?}") };
        let mut name = format!("spinnaker_execution_windows:{line} {windows} on days {days:?} asked {asked}");
        if let Some((.., ours)) = different(asked, windows) {
            name += &format!(", ours {ours}: a window does not include the second of its end");
        }
        Trial::test(name, move || spinnaker_window(place, asked, windows, days, start))
    };
    rows(table, expected).into_iter().map(trial).collect()
}

fn different(asked: &str, windows: &str) -> Option<&'static (&'static str, &'static str, &'static str)> {
    DIFFERENT.iter().find(|row| (row.0, row.1) == (asked, windows))
}

fn spinnaker_window(place: &str, asked: &str, windows: &str, days: &str, start: &str) -> Result<(), Failed> {
    let (year, zone) = place.split_once(' ').ok_or("a year and a zone")?;
    let ours = different(asked, windows).map_or(start, |row| row.2);
    let chosen = |number: &str| Weekday::ALL[number.parse::<usize>().unwrap() - 1];
    let days: Vec<Weekday> =
        if days.is_empty() { Weekday::ALL.to_vec() } else { days.split(' ').map(chosen).collect() };
    // Without hours, the days alone are the window.
    let windows = if windows.is_empty() { "00:00-24:00" } else { windows };
    let mut builder = Calendar::builder().time_zone(zone);
    for window in windows.split('|') {
        let (from, until) = window.split_once('-').ok_or("two times")?;
        builder = builder.window(Window::weekly(days.clone(), from.parse()?, until.parse()?));
    }
    let local = |text: &str| {
        let zone = jiff::tz::TimeZoneDatabase::bundled().get(zone)?;
        let shown = jiff::civil::DateTime::strptime("%Y %m/%d %H:%M:%S", format!("{year} {text}"))?;
        zone.to_timestamp(shown).map(|time| time.to_string())
    };
    let asked: Timestamp = local(asked)?.parse()?;
    let opens = builder.build()?.next_open(asked, Seed::new(0));
    equal(&opens.map(|time| time.to_string()), &Some(local(ours)?))
}

fn spinnaker_jitter(table: &'static str, expected: usize) -> Vec<Trial> {
    let trial = |(line, row): (usize, Vec<&'static str>)| {
        let [enabled, min, max, waits] = row[..] else { panic!("{row:?}") };
        let name = format!("spinnaker_window_jitter:{line} enabled {enabled}, {min} to {max} s");
        Trial::test(name, move || {
            let seconds = |text: &str| text.parse().map(Duration::from_secs);
            let jitter = Jitter::new(seconds(min)?, seconds(max)?);
            let window = Window::weekly(Weekday::ALL, "10:00".parse()?, "13:00".parse()?);
            let mut builder = Calendar::builder().window(window);
            if enabled == "true" {
                builder = builder.jitter(jitter);
            }
            let calendar = builder.build()?;
            let opening: Timestamp = "2015-02-13T10:00:00Z".parse()?;
            let delays: Vec<Duration> = (0..50)
                .filter_map(|seed| Some(calendar.next_open(opening, Seed::new(seed))?.since(opening)))
                .collect();
            equal(&delays.len(), &50)?;
            // Spinnaker adds a task that waits; here the opening itself is later.
            let waits_sometimes = delays.iter().any(|delay| !delay.is_zero());
            equal(&u32::from(waits_sometimes), &waits.parse::<u32>()?)?;
            let in_bounds = |delay: &Duration| (jitter.min..=jitter.max).contains(delay);
            equal(&(!waits_sometimes || delays.iter().all(in_bounds)), &true)
        })
    };
    rows(table, expected).into_iter().map(trial).collect()
}

fn hours(text: &str) -> Duration {
    match text.split_at(text.len() - 1) {
        (number, "h") => Duration::from_secs(number.parse::<u64>().unwrap() * 3600),
        (number, "m") => Duration::from_secs(number.parse::<u64>().unwrap() * 60),
        _ => panic!("{text}"),
    }
}

fn karpenter_windows(table: &'static str, expected: usize) -> Vec<Trial> {
    let trial = |(line, row): (usize, Vec<&'static str>)| {
        let [case, now, schedule, duration, active, error] = row[..] else { panic!("{row:?}") };
        Trial::test(format!("karpenter_windows:{line} {case}"), move || {
            let now: Timestamp = now.split(' ').next().unwrap_or(now).parse()?;
            let mut builder = Calendar::builder();
            if !schedule.is_empty() {
                builder = builder.window(Window::cron(schedule.parse()?, hours(duration)));
            }
            let calendar = builder.build()?;
            equal(&error, &"false")?;
            equal(&calendar.is_open(now, Seed::new(0)), &(active == "true"))
        })
    };
    rows(table, expected).into_iter().map(trial).collect()
}

/// A budget of Karpenter: how many nodes of 100, when, and for which reasons (all, when there is none).
struct Budget {
    nodes: u32,
    schedule: &'static str,
    duration: &'static str,
    reasons: &'static [&'static str],
}

const ALWAYS: (&str, &str) = ("* * * * *", "1h");
const YEARLY: (&str, &str) = ("@yearly", "1h");

const fn budget(nodes: u32, when: (&'static str, &'static str), reasons: &'static [&'static str]) -> Budget {
    Budget { nodes, schedule: when.0, duration: when.1, reasons }
}

/// The budgets that the words of a row describe.
fn karpenter_budgets_of(words: &str) -> Vec<Budget> {
    let six = |when: fn((&'static str, &'static str)) -> (&'static str, &'static str)| {
        vec![
            budget(10, when(ALWAYS), &[]),
            budget(100, when(ALWAYS), &[]),
            budget(100, when(ALWAYS), &[]),
            budget(15, when(ALWAYS), &["Drifted", "Underutilized"]),
            budget(5, when(ALWAYS), &["Drifted"]),
            budget(0, when(("@weekly", "1h")), &["Underutilized", "Drifted", "Empty"]),
        ]
    };
    let mut budgets = match words {
        "B0 only" | "10 always" => return vec![budget(10, ALWAYS, &[])],
        "100% always" => return vec![budget(100, ALWAYS, &[])],
        "10 @yearly 1h" => return vec![budget(10, YEARLY, &[])],
        "10 @wrongly 1h" => return vec![budget(10, ("@wrongly", "1h"), &[])],
        "all six @yearly 1h" => six(|_| YEARLY),
        words => {
            let common = "B0:10 always(* * * * *,1h) all reasons; B1:100 always all; B2:100% always all; B3:15 always \
                          drifted+underutilized; B4:5 always drifted; B5:0 @weekly 1h all three reasons";
            assert!(words.starts_with(common), "{words}");
            six(|when| when)
        }
    };
    if words.ends_with("but B5 always active") {
        (budgets[5].schedule, budgets[5].duration) = ALWAYS;
    }
    if words.ends_with("but B3 and B4 @yearly") {
        (budgets[3].schedule, budgets[3].duration) = YEARLY;
        (budgets[4].schedule, budgets[4].duration) = YEARLY;
    }
    if words.ends_with("B6:4 always empty") {
        budgets.push(budget(4, ALWAYS, &["Empty"]));
    }
    budgets
}

fn karpenter_budgets(table: &'static str, expected: usize) -> Vec<Trial> {
    let trial = |(line, row): (usize, Vec<&'static str>)| {
        let [case, now, nodes, words, reason, allowed, error] = row[..] else { panic!("{row:?}") };
        Trial::test(format!("karpenter_budgets:{line} {case}, {reason}"), move || {
            equal(&nodes, &"100")?;
            let now: Timestamp = format!("{now}Z").parse()?;
            // Karpenter allows nothing when a schedule is wrong; here there is no calendar then, so no rollout either.
            let mut least = Some(i32::MAX.unsigned_abs());
            for budget in karpenter_budgets_of(words) {
                let Ok(schedule) = budget.schedule.parse() else {
                    least = None;
                    break;
                };
                let window = Window::cron(schedule, hours(budget.duration));
                let calendar = Calendar::builder().window(window).build()?;
                let concerned =
                    budget.reasons.is_empty() || reason.is_empty() || budget.reasons.contains(&reason);
                if concerned && calendar.is_open(now, Seed::new(0)) {
                    least = least.map(|least| least.min(budget.nodes));
                }
            }
            equal(&least.is_none(), &(error == "true"))?;
            equal(&least.unwrap_or(0), &allowed.parse::<u32>()?)
        })
    };
    rows(table, expected).into_iter().map(trial).collect()
}
