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
/// It begins as that of the clock that wrote first, and goes as fast as the clock of whoever claimed the journal last. When
/// a controller with another clock takes over, it goes on from the last commit: nobody knows how long that has been, and a
/// span that is measured too long opens gates and breaks instances before their time. What is written in between by other
/// clocks moves it as little.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Timeline {
    /// When the last commit was written.
    now: Timestamp,
    /// The clock that tells the time, and how far it is ahead.
    teller: Option<(ClockId, Skew)>,
}

impl Timeline {
    pub(super) const fn new() -> Self {
        Self { now: Timestamp::UNIX_EPOCH, teller: None }
    }

    /// The time of a reading; never before the last commit.
    pub(super) fn time(&self, reading: &Reading) -> Timestamp {
        match &self.teller {
            Some((clock, skew)) if *clock == reading.clock => skew.time(reading.at).max(self.now),
            Some(_) => self.now,
            None => reading.at,
        }
    }

    /// How far the clock is ahead that tells the time.
    pub(super) fn skew(&self) -> Skew {
        self.teller.as_ref().map_or(Skew::NONE, |(_, skew)| *skew)
    }

    /// Whether another clock tells the time, so that nobody knows when this was.
    pub(super) fn is_foreign(&self, reading: &Reading) -> bool {
        self.teller.as_ref().is_some_and(|(clock, _)| *clock != reading.clock)
    }

    /// A commit was written at this reading, which claimed the journal or not.
    pub(super) fn go_on(&mut self, reading: &Reading, claims: bool) {
        self.now = self.time(reading);
        if claims || !self.is_foreign(reading) {
            self.teller = Some((reading.clock.clone(), Skew::between(reading.at, self.now)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const YEAR: u64 = 365 * 86_400;

    /// Goes on at these readings, claiming with those in upper case, and says when that was by the clock that began.
    fn times(readings: &[(&str, u64)]) -> Vec<u64> {
        let mut timeline = Timeline::new();
        let mut time = |(clock, seconds): &(&str, u64)| {
            let at = Timestamp::from_unix(Duration::from_secs(*seconds));
            let reading = Reading { clock: ClockId::new(clock.to_lowercase()).unwrap(), at };
            timeline.go_on(&reading, clock.to_lowercase() != *clock);
            timeline.now.since(Timestamp::UNIX_EPOCH).as_secs()
        };
        readings.iter().map(&mut time).collect()
    }

    #[test]
    fn one_clock_tells_its_own_time() {
        assert_eq!(times(&[("A", 100), ("a", 107), ("A", 1_000)]), [100, 107, 1_000]);
    }

    #[test]
    fn who_takes_over_goes_on_from_the_last_commit_and_measures_from_there() {
        let a = 2 * YEAR;
        assert_eq!(times(&[("A", a), ("B", a + YEAR), ("b", a + YEAR + 30)]), [a, a, a + 30]);
        assert_eq!(times(&[("A", a), ("B", a - YEAR), ("b", a - YEAR + 30)]), [a, a, a + 30]);
        // The first one comes back; how long the other had not been at work nobody knows.
        assert_eq!(
            times(&[("A", 100), ("B", a), ("b", a + 5), ("A", 190), ("a", 191)]),
            [100, 100, 105, 105, 106]
        );
    }

    #[test]
    fn what_others_say_neither_moves_time_nor_stops_it() {
        assert_eq!(times(&[("A", 100), ("b", YEAR), ("b", YEAR + 70), ("a", 150)]), [100, 100, 100, 150]);
    }

    #[test]
    fn time_stands_still_rather_than_go_back_and_then_goes_on() {
        assert_eq!(times(&[("A", 100), ("a", 40), ("a", 45)]), [100, 100, 105]);
    }

    /// Whoever writes, and whatever their clocks show, no more time passes between what two controllers say than really
    /// does.
    #[test]
    fn no_span_is_measured_too_long() {
        let seed = crate::seed::Seed::new(7);
        for round in 0..2_000_u64 {
            let seed = seed.child(&round.to_string());
            let mut draw = (0_u64..).map(|number| seed.rank(&number.to_be_bytes()));
            let mut draw = |below: u64| draw.next().unwrap() % below;
            let apart = [draw(YEAR), draw(YEAR), draw(YEAR)];
            let (mut timeline, mut real, mut holder) = (Timeline::new(), YEAR, 0);
            let mut told: Vec<(u64, Timestamp)> = Vec::new();
            for commit in 0..30 {
                real += draw(50);
                let claims = commit == 0 || draw(4) == 0;
                let clock = if claims || draw(3) == 0 { draw(3) } else { holder };
                holder = if claims { clock } else { holder };
                let shown = real + apart[usize::try_from(clock).unwrap()];
                let at = Timestamp::from_unix(Duration::from_secs(shown));
                let reading = Reading { clock: ClockId::new(clock.to_string()).unwrap(), at };
                let is_foreign = commit > 0 && !claims && timeline.is_foreign(&reading);
                assert_eq!(is_foreign, clock != holder);
                timeline.go_on(&reading, claims);
                if is_foreign {
                    continue;
                }
                for (then, time) in &told {
                    assert!(timeline.now.since(*time).as_secs() <= real - then, "round {round}");
                    assert!(timeline.now >= *time);
                }
                told.push((real, timeline.now));
            }
        }
    }
}
