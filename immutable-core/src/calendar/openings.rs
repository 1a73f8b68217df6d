use std::fmt;

use super::calendar::Calendar;
use super::freeze::Freeze;
use super::local_clock::LocalClock;
use super::runs::Runs;
use super::week::Week;
use crate::seed::Seed;
use crate::time::Timestamp;

/// How far ahead a closing is looked for, in seconds: more than a year, since a window may close on one day of it only.
const HORIZON: i64 = 400 * 86_400;

/// What a calendar says, without its jitter, in seconds since the Unix epoch.
#[derive(Clone, Debug)]
pub(super) struct Openings {
    pub(super) clock: LocalClock,
    /// Without a window it is always open.
    pub(super) has_windows: bool,
    pub(super) week: Week,
    pub(super) crons: Vec<Runs>,
    /// From the first included to the second excluded, in the order of the calendar's freezes.
    pub(super) freezes: Vec<(i64, i64)>,
}

impl Openings {
    fn is_open(&self, at: i64) -> bool {
        self.frozen(at).is_none() && self.in_window(at)
    }

    /// The first open instant from this one on.
    fn next_open(&self, mut at: i64) -> Option<i64> {
        loop {
            if let Some((_, (_, until))) = self.frozen(at) {
                at = until;
            } else if self.in_window(at) {
                return Some(at);
            } else {
                at = self.next_window(at)?;
            }
        }
    }

    /// The first closed instant after this one, which is open; `None` when it is further away than the horizon.
    fn next_close(&self, at: i64) -> Option<i64> {
        let freeze = self.freezes.iter().map(|span| span.0).filter(|from| *from > at).min();
        let limit = freeze.unwrap_or(i64::MAX).min(at.saturating_add(HORIZON));
        let mut until = at;
        while until < limit {
            match self.window_until(until) {
                Some(next) => until = next,
                None if self.in_window(until) => return freeze,
                None => return Some(until),
            }
        }
        freeze.filter(|from| *from <= until)
    }

    /// The freeze that is on and lasts longest, and its place.
    fn frozen(&self, at: i64) -> Option<(usize, (i64, i64))> {
        let on = self
            .freezes
            .iter()
            .copied()
            .enumerate()
            .filter(|(_, (from, until))| (*from..*until).contains(&at));
        on.max_by_key(|(_, span)| span.1)
    }

    fn in_window(&self, at: i64) -> bool {
        !self.has_windows
            || self.week.open_for(self.wall(at)).is_some()
            || self.crons.iter().any(|cron| cron.is_open(&self.clock, at))
    }

    /// The first instant after this one, at which no window is open, at which one is.
    fn next_window(&self, at: i64) -> Option<i64> {
        let cron = self.crons.iter().filter_map(|cron| cron.next_hit(&self.clock, at)).min();
        [self.next_weekly(at), cron].into_iter().flatten().min()
    }

    fn next_weekly(&self, mut at: i64) -> Option<i64> {
        loop {
            let opens = at + self.week.opens_in(self.wall(at))?;
            let Some(jump) = self.clock.next_jump(at).filter(|jump| jump.at <= opens) else {
                return Some(opens);
            };
            at = jump.at;
            if self.week.open_for(self.wall(at)).is_some() {
                return Some(at);
            }
        }
    }

    /// An instant until which a window stays open, after this one; `None` when none is open or one is for ever.
    fn window_until(&self, at: i64) -> Option<i64> {
        if !self.has_windows || self.week.is_whole() {
            return None;
        }
        let weekly = self.week.open_for(self.wall(at)).map(|seconds| {
            let until = at + seconds;
            self.clock.next_jump(at).map_or(until, |jump| jump.at.min(until))
        });
        let crons = self.crons.iter().filter_map(|cron| cron.open_until(&self.clock, at));
        crons.chain(weekly).max()
    }

    fn wall(&self, at: i64) -> i64 {
        at.saturating_add(self.clock.offset(at))
    }
}

/// Why a calendar is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Closed<'a> {
    /// This freeze is on; of several the one that lasts longest.
    Freeze(&'a Freeze),
    /// No window is open.
    Window,
    /// It has opened, but the jitter is not over.
    Jitter,
}

impl fmt::Display for Closed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Freeze(freeze) => write!(f, "frozen from {freeze}"),
            Self::Window => f.write_str("no deploy window is open"),
            Self::Jitter => f.write_str("the deploy window has opened and its jitter is not over"),
        }
    }
}

impl Calendar {
    /// Whether a rollout with this seed may act now.
    #[must_use]
    pub fn is_open(&self, now: Timestamp, seed: Seed) -> bool {
        self.is_open_at(now.unix_seconds(), self.delay(seed))
    }

    /// The first point in time from now on at which a rollout with this seed may act: `now` itself when it may act now.
    /// `None` when there is none before the end of time.
    #[must_use]
    pub fn next_open(&self, now: Timestamp, seed: Seed) -> Option<Timestamp> {
        let (at, delay) = (now.unix_seconds(), self.delay(seed));
        if self.is_open_at(at, delay) {
            return Some(now);
        }
        self.opening_after(at, delay).and_then(Timestamp::from_unix_seconds)
    }

    /// When what [`is_open`](Self::is_open) says changes next. `None` when it does not, as far as can be seen: an opening
    /// is found however far away it is, a closing within 400 days.
    #[must_use]
    pub fn next_change(&self, now: Timestamp, seed: Seed) -> Option<Timestamp> {
        let (at, delay) = (now.unix_seconds(), self.delay(seed));
        let change = if self.is_open_at(at, delay) {
            self.openings().next_close(at)
        } else {
            self.opening_after(at, delay)
        };
        change.and_then(Timestamp::from_unix_seconds)
    }

    /// Why a rollout with this seed may not act now; `None` when it may.
    #[must_use]
    pub fn closed(&self, now: Timestamp, seed: Seed) -> Option<Closed<'_>> {
        let at = now.unix_seconds();
        if self.is_open_at(at, self.delay(seed)) {
            return None;
        }
        let frozen = self.openings().frozen(at).and_then(|(index, _)| self.freezes().get(index));
        Some(match frozen {
            Some(freeze) => Closed::Freeze(freeze),
            None if self.openings().in_window(at) => Closed::Jitter,
            None => Closed::Window,
        })
    }

    /// The jitter in seconds.
    fn delay(&self, seed: Seed) -> i64 {
        // Validated to be far shorter than the calendar is long.
        self.jitter().map_or(0, |jitter| i64::try_from(jitter.delay(seed).as_secs()).unwrap_or(i64::MAX))
    }

    /// Open for longer than the delay already.
    fn is_open_at(&self, at: i64, delay: i64) -> bool {
        if !self.openings().is_open(at) {
            return false;
        }
        let before = at.saturating_sub(delay);
        delay == 0
            || self.openings().is_open(before)
                && self.openings().next_close(before).is_none_or(|end| end > at)
    }

    /// The first instant, after this one, that has been open for the delay.
    fn opening_after(&self, at: i64, delay: i64) -> Option<i64> {
        let mut from = at.saturating_sub(delay);
        loop {
            let opening = self.openings().next_open(from)?;
            match self.openings().next_close(opening) {
                // Closed again before the jitter was over, as a freeze or a jump of the clock can bring about.
                Some(end) if end - opening <= delay => from = end,
                _ => return Some(opening + delay),
            }
        }
    }
}
