use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone, TimeZoneDatabase};

use super::error::CalendarError;

/// The clock on the wall of one time zone, by the rules that were compiled in.
///
/// Instants are seconds since the Unix epoch; what the clock shows is written as the instant at which a clock in UTC
/// would show it. Between two jumps the one is the other plus a constant, so everything but the jumps is plain addition.
#[derive(Clone, Debug)]
pub(super) struct LocalClock {
    zone: TimeZone,
}

/// Which one of two instants a local time means that the clock shows twice.
#[derive(Clone, Copy)]
pub(super) enum Reading {
    First,
    Second,
}

/// A change of the offset from UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Jump {
    /// The first second with the new offset.
    pub(super) at: i64,
    /// The new offset.
    pub(super) offset: i64,
}

impl LocalClock {
    /// The clock of the zone of this name, whatever its case.
    pub(super) fn find(name: &str) -> Result<Self, CalendarError> {
        // Not `tz::db()` and not `TimeZone::get`, which look for the system's files first.
        let database = TimeZoneDatabase::bundled();
        match database.get(name) {
            Ok(zone) if !zone.is_unknown() => Ok(Self { zone }),
            _ => Err(CalendarError::UnknownTimeZone {
                name: name.chars().take(100).collect(),
                nearest: nearest(&database, name),
            }),
        }
    }

    /// The name of the zone as the database writes it.
    pub(super) fn name(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    /// The offset from UTC at this instant.
    pub(super) fn offset(&self, at: i64) -> i64 {
        self.zone.to_offset(timestamp(at)).seconds().into()
    }

    /// The next change of the offset after this instant.
    pub(super) fn next_jump(&self, after: i64) -> Option<Jump> {
        let offset = self.offset(after);
        self.zone
            .following(timestamp(after))
            .map(|change| Jump {
                at: change.timestamp().as_second(),
                offset: change.offset().seconds().into(),
            })
            .find(|jump| jump.offset != offset)
    }

    /// The second in which the clock shows this local time, or that of the jump that skips it.
    pub(super) fn instant(&self, local: DateTime, reading: Reading) -> Option<i64> {
        let shown = wall(local)?;
        Some(match self.zone.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } => shown - i64::from(offset.seconds()),
            AmbiguousOffset::Fold { before, after } => match reading {
                Reading::First => shown - i64::from(before.seconds()),
                Reading::Second => shown - i64::from(after.seconds()),
            },
            // Read by the new offset, a skipped time lies before the jump by less than the jump is wide.
            AmbiguousOffset::Gap { after, .. } => self.next_jump(shown - i64::from(after.seconds()))?.at,
        })
    }
}

/// The nearest point in time that jiff knows.
fn timestamp(at: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_second(at).unwrap_or(if at < 0 {
        jiff::Timestamp::MIN
    } else {
        jiff::Timestamp::MAX
    })
}

/// What a clock shows, as the instant at which one in UTC shows it.
pub(super) fn wall(local: DateTime) -> Option<i64> {
    let time = Offset::UTC.to_timestamp(local).ok()?;
    Some(time.as_second() - i64::from(time.subsec_nanosecond() < 0))
}

/// The way back: the date and time that the clock shows.
pub(super) fn shown(wall: i64) -> Option<DateTime> {
    jiff::Timestamp::from_second(wall).ok().map(|time| Offset::UTC.to_datetime(time))
}

/// The known name that takes the fewest corrections, of the whole name or of the place alone.
fn nearest(database: &TimeZoneDatabase, name: &str) -> String {
    let asked = name.trim().replace(' ', "_").to_lowercase();
    let corrections = |known: &str| {
        let known = known.to_lowercase();
        let place = known.rsplit('/').next().unwrap_or(&known);
        strsim::osa_distance(&asked, &known).min(strsim::osa_distance(&asked, place))
    };
    let mut names: Vec<String> = database.available().map(|known| known.as_str().to_owned()).collect();
    names.sort();
    let nearest = names.into_iter().min_by_key(|known| (corrections(known), known.len()));
    nearest.unwrap_or_else(|| "UTC".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_zone_is_told_the_nearest_known_one() {
        for (asked, nearest) in [
            ("Europe/Berlni", "Europe/Berlin"),
            ("berlin", "Europe/Berlin"),
            ("America/New York", "America/New_York"),
            ("US/Pacfic", "US/Pacific"),
            ("UCT+", "UCT"),
        ] {
            let error = LocalClock::find(asked).unwrap_err();
            let expected = format!("`{asked}` is not a known time zone: did you mean `{nearest}`?");
            assert!(error.to_string().contains(&expected), "{error}");
        }
        assert!(LocalClock::find("Etc/Unknown").is_err());
        assert_eq!(LocalClock::find("europe/berlin").unwrap().name(), "Europe/Berlin");
        assert_eq!(LocalClock::find("utc").unwrap().name(), "UTC");
    }

    #[test]
    fn the_rules_are_compiled_in() {
        assert!(format!("{:?}", TimeZoneDatabase::bundled()).contains("available"));
        assert!(TimeZoneDatabase::bundled().available().count() > 500);
    }

    #[test]
    fn jumps_are_changes_of_the_offset() {
        let berlin = LocalClock::find("Europe/Berlin").unwrap();
        let at: jiff::Timestamp = "2026-03-29T01:00:00Z".parse().unwrap();
        let jump = Jump { at: at.as_second(), offset: 7200 };
        assert_eq!(berlin.next_jump(at.as_second() - 1), Some(jump));
        assert!(berlin.next_jump(at.as_second()).unwrap().at > at.as_second());
        assert_eq!(LocalClock::find("UTC").unwrap().next_jump(0), None);
        assert_eq!(berlin.next_jump(i64::MAX), None);
    }
}
