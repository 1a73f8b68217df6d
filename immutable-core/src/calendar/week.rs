use super::window::WeeklyWindow;

const DAY: i64 = 86_400;
const WEEK: i64 = 7 * DAY;
/// Midnight of the first Monday after the epoch, a Thursday.
const MONDAY: i64 = 4 * DAY;

/// All weekly windows of a calendar in one: the times of the week, by the local clock, at which one of them is open.
#[derive(Clone, Debug, Default)]
pub(super) struct Week {
    /// In seconds since Monday, from the first included to the second excluded; sorted, neither touching nor overlapping.
    spans: Vec<(i64, i64)>,
}

impl Week {
    pub(super) fn of<'a>(windows: impl Iterator<Item = &'a WeeklyWindow>) -> Self {
        let mut spans = Vec::new();
        for window in windows {
            for day in &window.days {
                let from = day.since_monday() * DAY + i64::from(window.from.seconds());
                let until = from + window.seconds();
                spans.push((from, until.min(WEEK)));
                // What of Sunday's window is on Monday.
                if until > WEEK {
                    spans.push((0, until - WEEK));
                }
            }
        }
        spans.sort_unstable();
        let mut merged: Vec<(i64, i64)> = Vec::with_capacity(spans.len());
        for span in spans {
            match merged.last_mut() {
                Some(last) if span.0 <= last.1 => last.1 = last.1.max(span.1),
                _ => merged.push(span),
            }
        }
        Self { spans: merged }
    }

    /// Whether it is open at every time of the week.
    pub(super) fn is_whole(&self) -> bool {
        self.spans == [(0, WEEK)]
    }

    /// For how many seconds more it is open at what the clock shows; `None` when it is closed.
    pub(super) fn open_for(&self, wall: i64) -> Option<i64> {
        let at = (wall - MONDAY).rem_euclid(WEEK);
        let next = self.spans.partition_point(|span| span.0 <= at);
        let (_, until) = *self.spans.get(next.checked_sub(1)?)?;
        (at < until).then_some(until - at)
    }

    /// After how many seconds it opens, given that it is closed at what the clock shows; `None` when it never does.
    pub(super) fn opens_in(&self, wall: i64) -> Option<i64> {
        let at = (wall - MONDAY).rem_euclid(WEEK);
        let next = self.spans.partition_point(|span| span.0 <= at);
        let first = self.spans.first()?.0 + WEEK;
        Some(self.spans.get(next).map_or(first, |span| span.0) - at)
    }
}
