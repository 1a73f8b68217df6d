use super::cron::CronSchedule;
use super::local_clock::LocalClock;
use super::window::CronWindow;

/// A cron window, ready to be asked.
#[derive(Clone, Debug)]
pub(super) struct Runs {
    schedule: CronSchedule,
    /// How long it stays open after each hit, in seconds.
    duration: i64,
    /// The hits of a day, in seconds since midnight, as the first and the last of each run whose windows touch.
    runs: Vec<(i64, i64)>,
    /// Without a jump of the clock it never closes.
    seamless: bool,
}

impl Runs {
    pub(super) fn of(window: &CronWindow) -> Self {
        let duration = i64::try_from(window.duration.as_secs()).unwrap_or(i64::MAX);
        let mut runs: Vec<(i64, i64)> = Vec::new();
        for hit in window.schedule.minutes_of_day().map(|minute| minute * 60) {
            match runs.last_mut() {
                Some((_, last)) if hit - *last <= duration => *last = hit,
                _ => runs.push((hit, hit)),
            }
        }
        let seamless = match runs[..] {
            [(first, last)] => window.schedule.is_daily() && first + 86_400 - last <= duration,
            _ => false,
        };
        Self { schedule: window.schedule.clone(), duration, runs, seamless }
    }

    pub(super) fn is_open(&self, clock: &LocalClock, at: i64) -> bool {
        self.opened(clock, at).is_some()
    }

    /// The first hit whose window is open at this instant.
    fn opened(&self, clock: &LocalClock, at: i64) -> Option<i64> {
        self.next_hit(clock, at.saturating_sub(self.duration)).filter(|hit| *hit <= at)
    }

    /// An instant until which it stays open, after this one, at which it is open. At that one it may still be open.
    pub(super) fn open_until(&self, clock: &LocalClock, at: i64) -> Option<i64> {
        let opened = self.opened(clock, at)?;
        // If the clock has jumped since, a hit after the jump leads further than one before.
        let jump = clock.next_jump(opened).filter(|jump| jump.at <= at);
        let later = jump.and_then(|jump| self.next_hit(clock, jump.at - 1)).filter(|hit| *hit <= at);
        let hit = later.unwrap_or(opened);
        Some(self.open_to_jump(clock, hit).max(hit + self.duration))
    }

    /// How long it stays open after a hit, as far as the next jump of the clock.
    fn open_to_jump(&self, clock: &LocalClock, hit: i64) -> i64 {
        let jump = clock.next_jump(hit).map_or(i64::MAX, |jump| jump.at);
        if self.seamless {
            return jump;
        }
        let local = hit + clock.offset(hit);
        // A hit that the clock skipped, at the jump, belongs to no run, and maybe to no day that has any.
        if self.schedule.next(local) != Some(local) {
            return hit + self.duration;
        }
        let time_of_day = local.rem_euclid(86_400);
        let next = self.runs.partition_point(|run| run.0 <= time_of_day);
        let run =
            next.checked_sub(1).and_then(|index| self.runs.get(index)).filter(|run| time_of_day <= run.1);
        let last = hit + run.map_or(0, |run| run.1 - time_of_day);
        if last < jump { last + self.duration } else { jump }
    }

    /// The first hit after this instant.
    pub(super) fn next_hit(&self, clock: &LocalClock, after: i64) -> Option<i64> {
        let mut offset = clock.offset(after);
        // The search goes on from here, first by the clock, then by the instant.
        let (mut from, mut earliest) = (after.checked_add(1)?.checked_add(offset)?, i64::MIN);
        let mut jump = clock.next_jump(after);
        loop {
            let hit = (self.schedule.next(from)? - offset).max(earliest);
            match jump {
                Some(next) if hit >= next.at => {
                    // What the clock skips is a hit at the jump; what it shows again is a hit again.
                    from = next.at + offset.min(next.offset);
                    earliest = next.at;
                    offset = next.offset;
                    jump = clock.next_jump(next.at);
                }
                _ => return Some(hit),
            }
        }
    }
}
