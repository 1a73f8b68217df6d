use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::local_clock::{shown, wall};

/// When a cron window opens: minute, hour, day of month, month, day of week.
///
/// The rules are those of the schedules of Kubernetes and Karpenter (robfig/cron): lists, ranges, steps, `*` and `?`;
/// `JAN` to `DEC` and `SUN` to `SAT` in their own fields; `@yearly`, `@annually`, `@monthly`, `@weekly`, `@daily`,
/// `@midnight` and `@hourly`. When both the day of month and the day of week are restricted, either may match; a `*/2` is a
/// restriction. Beyond them, 7 is Sunday too, and a range may end on Sunday: `FRI-SUN`.
///
/// A schedule whose day never comes, such as `0 0 30 2 *`, is an error.
///
/// ```
/// use immutable_core::calendar::CronSchedule;
///
/// let schedule: CronSchedule = "30 6 * * MON-FRI".parse().unwrap();
/// assert_eq!(schedule.to_string(), "30 6 * * MON-FRI");
/// let error = "30 6 * MON *".parse::<CronSchedule>().unwrap_err();
/// assert!(error.to_string().contains("the month `MON`"), "{error}");
/// ```
// Written here, because every crate for it works on an older major version of jiff, which looks for time zones in the
// file system, or on chrono, or takes `MON` for a month. Its search is compared with croner's in the tests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(into = "String", try_from = "String")]
pub struct CronSchedule {
    text: String,
    /// Bit `n` is the value `n`; so in all fields.
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// A star in one of the two fields of days: then both must match, else either.
    both_days: bool,
}

/// No day is further away than this: 29 February comes after eight years at the latest, around 1900 and 2100.
const FURTHEST_MONTHS: u32 = 12 * 8 + 1;

impl CronSchedule {
    /// The first matching minute from this one on, as the local clock shows it.
    pub(super) fn next(&self, from: i64) -> Option<i64> {
        let minute = from.checked_add(59)?.div_euclid(60);
        let local = shown(minute * 60)?;
        let date = local.date();
        if self.matches(date)
            && let Some(minute) = self.next_minute(i64::from(local.hour()) * 60 + i64::from(local.minute()))
        {
            return at(date, minute);
        }
        at(self.next_day(date)?, self.next_minute(0)?)
    }

    /// The first matching minute of a day from this one on.
    fn next_minute(&self, from: i64) -> Option<i64> {
        let (hour, minute) = (from / 60, from % 60);
        if has(self.hours, hour)
            && let Some(minute) = first(self.minutes, minute)
        {
            return Some(hour * 60 + minute);
        }
        Some(first(self.hours, hour + 1)? * 60 + first(self.minutes, 0)?)
    }

    fn next_day(&self, after: Date) -> Option<Date> {
        let mut day = after.tomorrow().ok()?;
        for _ in 0..=FURTHEST_MONTHS {
            let last = day.last_of_month();
            if has(self.months, day.month()) {
                while day < last && !self.matches(day) {
                    day = day.tomorrow().ok()?;
                }
                if self.matches(day) {
                    return Some(day);
                }
            }
            day = last.tomorrow().ok()?;
        }
        None
    }

    fn matches(&self, date: Date) -> bool {
        let day = has(self.days, date.day());
        let weekday = has(self.weekdays, date.weekday().to_sunday_zero_offset());
        has(self.months, date.month()) && if self.both_days { day && weekday } else { day || weekday }
    }

    /// Whether no day is left out.
    pub(super) fn is_daily(&self) -> bool {
        let days = self.days == DAY.all();
        let weekdays = self.weekdays == WEEKDAY.all() & EVERY_WEEKDAY;
        self.months == MONTH.all() && if self.both_days { days && weekdays } else { days || weekdays }
    }

    /// The matching minutes of a matching day.
    pub(super) fn minutes_of_day(&self) -> impl Iterator<Item = i64> {
        std::iter::successors(self.next_minute(0), |minute| self.next_minute(minute + 1))
    }

    /// A day of month that one of the months has, or any day of week that is enough.
    fn ever_comes(&self) -> bool {
        let longest = |month: u32| match month {
            2 => 29,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        let by_date = (1..=12).any(|month| {
            has(self.months, month) && first(self.days, 1).is_some_and(|day| day <= i64::from(longest(month)))
        });
        by_date || !self.both_days
    }
}

fn at(date: Date, minute: i64) -> Option<i64> {
    Some(wall(date.at(0, 0, 0, 0))? + minute * 60)
}

fn has(bits: u64, value: impl Into<i64>) -> bool {
    bits >> value.into() & 1 == 1
}

/// The first value in the set from this one on.
fn first(bits: u64, from: i64) -> Option<i64> {
    let rest = bits.checked_shr(u32::try_from(from).ok()?)?;
    (rest != 0).then(|| from + i64::from(rest.trailing_zeros()))
}

/// What a field may hold.
struct Field {
    name: &'static str,
    values: RangeInclusive<u32>,
    /// The names of the values, first to last.
    names: &'static [&'static str],
}

const MINUTE: Field = Field { name: "minute", values: 0..=59, names: &[] };
const HOUR: Field = Field { name: "hour", values: 0..=23, names: &[] };
const DAY: Field = Field { name: "day of month", values: 1..=31, names: &[] };
const MONTH: Field = Field {
    name: "month",
    values: 1..=12,
    names: &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
};
/// Sunday is 0 and 7.
const WEEKDAY: Field =
    Field { name: "day of week", values: 0..=7, names: &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"] };
const SUNDAY: u32 = 7;
const EVERY_WEEKDAY: u64 = 0b111_1111;

/// The shorthands and what they stand for.
const SHORTHANDS: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

impl Field {
    const fn all(&self) -> u64 {
        span(*self.values.start(), *self.values.end(), 1)
    }

    /// The values that a field names, and whether it is a star that restricts nothing.
    fn parse(&self, text: &str) -> Result<(u64, bool), String> {
        let (mut bits, mut star) = (0, false);
        for item in text.split(',') {
            let (range, step) = match item.split_once('/') {
                Some((range, step)) => (range, Some(self.step(item, step)?)),
                None => (item, None),
            };
            let (low, high) = if matches!(range, "*" | "?") {
                star |= step.is_none_or(|step| step == 1);
                (*self.values.start(), *self.values.end())
            } else if let Some((low, high)) = range.split_once('-') {
                self.range(item, self.value(low)?, self.value(high)?)?
            } else {
                let value = self.value(range)?;
                (value, if step.is_some() { *self.values.end() } else { value })
            };
            bits |= span(low, high, step.unwrap_or(1));
        }
        Ok((bits, star))
    }

    fn value(&self, text: &str) -> Result<u32, String> {
        let number = Some(text).filter(|text| text.len() <= 2 && text.bytes().all(|b| b.is_ascii_digit()));
        let number = number.and_then(|text| text.parse().ok()).filter(|value| self.values.contains(value));
        let index = self.names.iter().position(|name| name.eq_ignore_ascii_case(text));
        let named = index.and_then(|index| Some(self.values.start() + u32::try_from(index).ok()?));
        number.or(named).ok_or_else(|| {
            let (low, high) = (self.values.start(), self.values.end());
            let names = match self.names {
                [first, .., last] => format!(" or {first} to {last}"),
                _ => String::new(),
            };
            format!("the {} `{text}` is not one of {low} to {high}{names}", self.name)
        })
    }

    fn range(&self, item: &str, low: u32, high: u32) -> Result<(u32, u32), String> {
        // A week that ends on Sunday.
        let high = if *self.values.end() == SUNDAY && high == 0 && low > 0 { SUNDAY } else { high };
        if low <= high {
            Ok((low, high))
        } else {
            Err(format!("the {} `{item}` ends before it begins; write it as two ranges", self.name))
        }
    }

    fn step(&self, item: &str, text: &str) -> Result<u32, String> {
        let step = text.parse().ok().filter(|step| (1..=*self.values.end()).contains(step));
        step.ok_or_else(|| {
            format!("the {} `{item}` has a step that is not one of 1 to {}", self.name, self.values.end())
        })
    }
}

/// The values from `low` to `high`, by steps.
const fn span(low: u32, high: u32, step: u32) -> u64 {
    let (mut bits, mut value) = (0, low);
    while value <= high {
        bits |= 1 << value;
        value += step;
    }
    bits
}

/// A text that is not a schedule, or one that never comes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a cron schedule: {problem}")]
pub struct ParseCronError {
    text: String,
    problem: String,
}

impl FromStr for CronSchedule {
    type Err = ParseCronError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).map_err(|problem| ParseCronError { text: text.chars().take(100).collect(), problem })
    }
}

fn parse(text: &str) -> Result<CronSchedule, String> {
    let text = text.trim();
    let shorthand = SHORTHANDS.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
    let fields: Vec<&str> = shorthand.map_or(text, |(_, fields)| fields).split_whitespace().collect();
    let [minute, hour, day, month, weekday] = fields[..] else {
        return Err("expected five fields (minute, hour, day of month, month, day of week) as in `30 6 * * MON-FRI`, \
                    or one of @yearly, @annually, @monthly, @weekly, @daily, @midnight and @hourly"
            .to_owned());
    };
    let (days, any_day) = DAY.parse(day)?;
    let (weekdays, any_weekday) = WEEKDAY.parse(weekday)?;
    let schedule = CronSchedule {
        text: text.to_owned(),
        minutes: MINUTE.parse(minute)?.0,
        hours: HOUR.parse(hour)?.0,
        days,
        months: MONTH.parse(month)?.0,
        weekdays: (weekdays | weekdays >> SUNDAY) & EVERY_WEEKDAY,
        both_days: any_day || any_weekday,
    };
    if schedule.ever_comes() {
        Ok(schedule)
    } else {
        Err(format!("the day of month `{day}` never comes in the month `{month}`"))
    }
}

impl fmt::Display for CronSchedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for CronSchedule {
    type Error = ParseCronError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<CronSchedule> for String {
    fn from(schedule: CronSchedule) -> Self {
        schedule.text
    }
}

#[cfg(test)]
mod tests {
    use croner::parser::{CronParser, Seconds, Year};
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    fn next(schedule: &str, from: &str) -> String {
        let from = wall(from.parse().unwrap()).unwrap();
        let next = schedule.parse::<CronSchedule>().unwrap().next(from).unwrap();
        shown(next).unwrap().to_string()
    }

    #[test]
    fn the_next_minute_is_found() {
        for (schedule, from, expected) in [
            ("* * * * *", "2026-11-23T10:00:00", "2026-11-23T10:00:00"),
            ("* * * * *", "2026-11-23T10:00:01", "2026-11-23T10:01:00"),
            ("30 6 * * SUN", "2026-11-23T10:00:00", "2026-11-29T06:30:00"),
            ("0 0 29 2 *", "2096-03-01T00:00:00", "2104-02-29T00:00:00"),
            ("59 23 31 12 ?", "2026-12-31T23:59:01", "2027-12-31T23:59:00"),
            ("0 0 13 * FRI", "2026-11-14T00:00:00", "2026-11-20T00:00:00"),
            ("0 0 */2 * MON", "2026-11-22T00:00:00", "2026-11-23T00:00:00"),
            ("0 12 1-31 * 2", "2026-11-23T00:00:00", "2026-11-23T12:00:00"),
            ("15/20 8-10,20 * * FRI-SUN", "2026-11-23T00:00:00", "2026-11-27T08:15:00"),
            ("0 0 * * 5-7", "2026-11-28T00:00:01", "2026-11-29T00:00:00"),
            ("@Weekly", "2026-11-23T00:00:00", "2026-11-29T00:00:00"),
        ] {
            assert_eq!(next(schedule, from), expected, "{schedule} from {from}");
        }
    }

    #[test]
    fn nothing_comes_after_the_end_of_time() {
        let schedule: CronSchedule = "@yearly".parse().unwrap();
        for end in [i64::MAX, 253_402_207_200, 253_400_000_000] {
            assert_eq!(schedule.next(end), None);
        }
        assert_eq!(schedule.next(i64::MIN), None);
    }

    #[test]
    fn a_wrong_field_is_named_with_its_value_and_what_was_expected() {
        for (bad, problem) in [
            ("", "expected five fields"),
            ("* * * *", "expected five fields"),
            ("@every 5m", "expected five fields"),
            ("60 * * * *", "the minute `60` is not one of 0 to 59"),
            ("* 24 * * *", "the hour `24` is not one of 0 to 23"),
            ("* * 0 * *", "the day of month `0` is not one of 1 to 31"),
            ("* * L * *", "the day of month `L` is not one of 1 to 31"),
            ("* * * MON *", "the month `MON` is not one of 1 to 12 or JAN to DEC"),
            ("* * * * MONDAY", "the day of week `MONDAY` is not one of 0 to 7 or SUN to SAT"),
            ("* * * * 5#3", "the day of week `5#3` is not one of 0 to 7 or SUN to SAT"),
            ("* 17-9 * * *", "the hour `17-9` ends before it begins; write it as two ranges"),
            ("*/0 * * * *", "the minute `*/0` has a step that is not one of 1 to 59"),
            ("*/99 * * * *", "the minute `*/99` has a step that is not one of 1 to 59"),
            ("1,,2 * * * *", "the minute `` is not one of 0 to 59"),
            ("0 0 30,31 2 *", "the day of month `30,31` never comes in the month `2`"),
            ("0 0 31 4,6,SEP,11 *", "the day of month `31` never comes in the month `4,6,SEP,11`"),
        ] {
            let error = bad.parse::<CronSchedule>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{bad}` is not a cron schedule: {problem}")), "{error}");
        }
    }

    fn field(low: u8, high: u8) -> impl Strategy<Value = String> {
        let value = low..=high;
        let range = (value.clone(), value.clone()).prop_map(|(a, b)| (a.min(b), a.max(b)));
        prop_oneof![
            3 => Just("*".to_owned()),
            3 => value.clone().prop_map(|a| a.to_string()),
            2 => range.clone().prop_map(|(a, b)| format!("{a}-{b}")),
            1 => (range, 1..=high).prop_map(|((a, b), step)| format!("{a}-{b}/{step}")),
            1 => (2..=high).prop_map(|step| format!("*/{step}")),
            1 => prop::collection::vec(value, 2..4)
                .prop_map(|list| list.iter().map(u8::to_string).collect::<Vec<_>>().join(",")),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

        /// The next minute is the one that croner matches first, and a schedule that never comes is one that croner
        /// never matches either.
        #[test]
        fn the_search_agrees_with_croner(
            fields in (field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 6)),
            from in select(vec!["2026-11-23T10:00:00", "2096-02-28T23:58:30", "2027-12-31T12:00:00", "1899-03-01T00:00:00"]),
        ) {
            let text = format!("{} {} {} {} {}", fields.0, fields.1, fields.2, fields.3, fields.4);
            let oracle = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
            let oracle = oracle.parse(&text).unwrap().pattern;
            let from: jiff::civil::DateTime = from.parse().unwrap();
            let minutes = (0..1440).find(|minute| {
                oracle.hour_match(minute / 60).unwrap() && oracle.minute_match(minute % 60).unwrap()
            });
            let day_matches = |day: Date| {
                let weekday = day.weekday().to_sunday_zero_offset().unsigned_abs().into();
                let weekday = croner::Weekday::from_days_from_sunday(weekday);
                let (month, day_of_month) = (day.month().unsigned_abs().into(), day.day().unsigned_abs().into());
                oracle.month_match(month).unwrap()
                    && oracle.day_match(day.year().into(), month, day_of_month, weekday).unwrap()
            };
            // The rest of the first day minute by minute, then the days.
            let start = u32::from(from.hour().unsigned_abs()) * 60 + u32::from(from.minute().unsigned_abs()) + u32::from(from.second() > 0);
            let today = (start..1440).find(|minute| {
                oracle.hour_match(minute / 60).unwrap() && oracle.minute_match(minute % 60).unwrap()
            });
            let expected = match today.filter(|_| day_matches(from.date())) {
                Some(minute) => Some((from.date(), minute)),
                None => std::iter::successors(from.date().tomorrow().ok(), |day| day.tomorrow().ok())
                    .take(9 * 366)
                    .find(|day| day_matches(*day))
                    .zip(minutes),
            };
            let expected = expected.map(|(day, minute)| at(day, i64::from(minute)).unwrap());
            let ours = text.parse::<CronSchedule>();
            prop_assert_eq!(ours.is_ok(), expected.is_some(), "{}", text);
            if let Ok(ours) = ours {
                prop_assert_eq!(ours.next(wall(from).unwrap()), expected, "{}", text);
            }
        }
    }
}
