use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::ClockId;
use crate::time::{Skew, Timestamp};

/// What a clock shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Which clock.
    pub clock: ClockId,
    /// What it shows.
    pub at: Timestamp,
}

/// The time of a journal, which several clocks tell that need not agree.
///
/// It begins as that of the clock that wrote first. A clock that writes for the first time goes on from the commit before,
/// whatever it shows: nobody can know how much time has passed, and a span that is measured too long opens gates and
/// breaks instances before their time. From then on it is known, and so is the time that passes between two of its commits,
/// whoever reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Timeline {
    /// When the last commit was written.
    now: Timestamp,
    /// How far each clock was ahead of this time when it wrote last.
    skews: BTreeMap<ClockId, Skew>,
    /// The clock that wrote the last commit, if it had never written before another had.
    newcomer: Option<ClockId>,
}

impl Timeline {
    pub(super) const fn new() -> Self {
        Self { now: Timestamp::UNIX_EPOCH, skews: BTreeMap::new(), newcomer: None }
    }

    /// The time of a reading; never before the last commit.
    pub(super) fn time(&self, reading: &Reading) -> Timestamp {
        match self.skews.get(&reading.clock) {
            Some(skew) => skew.time(reading.at).max(self.now),
            None if self.skews.is_empty() => reading.at,
            None => self.now,
        }
    }

    /// How far a clock is ahead, once it has written.
    pub(super) fn skew(&self, clock: &ClockId) -> Skew {
        self.skews.get(clock).copied().unwrap_or(Skew::NONE)
    }

    pub(super) const fn newcomer(&self) -> Option<&ClockId> {
        self.newcomer.as_ref()
    }

    /// A commit was written at this reading.
    pub(super) fn go_on(&mut self, reading: &Reading) {
        self.now = self.time(reading);
        let is_first = self.skews.is_empty();
        let known = self.skews.insert(reading.clock.clone(), Skew::between(reading.at, self.now));
        self.newcomer = (known.is_none() && !is_first).then(|| reading.clock.clone());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const YEAR: u64 = 365 * 86_400;

    fn reading(clock: &str, seconds: u64) -> Reading {
        let at = Timestamp::from_unix(Duration::from_secs(seconds));
        Reading { clock: ClockId::new(clock).unwrap(), at }
    }

    /// Goes on at these readings, and says when that was by the clock that began.
    fn times(readings: &[(&str, u64)]) -> Vec<u64> {
        let mut timeline = Timeline::new();
        let mut time = |(clock, seconds): &(&str, u64)| {
            timeline.go_on(&reading(clock, *seconds));
            timeline.now.since(Timestamp::UNIX_EPOCH).as_secs()
        };
        readings.iter().map(&mut time).collect()
    }

    #[test]
    fn one_clock_tells_its_own_time() {
        assert_eq!(times(&[("a", 100), ("a", 107), ("a", 1_000)]), [100, 107, 1_000]);
    }

    #[test]
    fn a_new_clock_goes_on_from_the_last_commit_and_measures_from_there() {
        let a = 2 * YEAR;
        assert_eq!(times(&[("a", a), ("b", a + YEAR), ("b", a + YEAR + 30)]), [a, a, a + 30]);
        assert_eq!(times(&[("a", a), ("b", a - YEAR), ("b", a - YEAR + 30)]), [a, a, a + 30]);
    }

    #[test]
    fn a_clock_that_comes_back_knows_what_has_passed_since_it_wrote_last() {
        let readings = [("a", 100), ("b", YEAR), ("b", YEAR + 10), ("a", 150), ("b", YEAR + 80)];
        // Between 100 and the first commit of b some time has passed that nobody measured, until a came back.
        assert_eq!(times(&readings), [100, 100, 110, 150, 180]);
    }

    #[test]
    fn time_stands_still_rather_than_go_back_and_then_goes_on() {
        assert_eq!(times(&[("a", 100), ("a", 40), ("a", 45)]), [100, 100, 105]);
    }

    #[test]
    fn only_a_clock_that_nobody_knew_is_a_newcomer() {
        let mut timeline = Timeline::new();
        let mut newcomer = |clock: &str| {
            timeline.go_on(&reading(clock, 5));
            timeline.newcomer().map(ToString::to_string)
        };
        let all = ["a", "b", "a", "b"].map(&mut newcomer);
        assert_eq!(all, [None, Some("b".to_owned()), None, None]);
    }
}
