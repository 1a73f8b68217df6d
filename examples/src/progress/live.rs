use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use immutable_core::event::{Event, EventKind, EventSink};
use immutable_core::journal::Record;
use immutable_core::plan::Plan;
use immutable_core::planner::RolloutState;
use immutable_core::{Digest, Timestamp};

use super::moment::{Moment, reasons};
use super::{Board, Cell, Screen};

/// The longest pause of a paced view: a deadline of minutes must not look like a hang.
const LONGEST_PAUSE: Duration = Duration::from_millis(400);

/// Shows a rollout while it happens.
///
/// On a terminal: the decisions scroll by, and below them stands the fleet as it is now. Elsewhere: a line for each
/// moment at which something happened, with the fleet as it was after it.
#[derive(Debug)]
pub struct LiveView {
    inner: Mutex<Inner>,
    pace: Duration,
    moment: Duration,
}

#[derive(Debug)]
struct Inner {
    screen: Screen,
    versions: BTreeMap<Digest, String>,
    board: Option<Board>,
    origin: Option<Timestamp>,
    moment: Option<Moment>,
    reasons: String,
    told_reasons: String,
}

impl LiveView {
    /// A view that calls images by these names.
    #[must_use]
    pub fn new(versions: BTreeMap<Digest, String>) -> Self {
        let inner = Inner {
            screen: Screen::new(),
            versions,
            board: None,
            origin: None,
            moment: None,
            reasons: String::new(),
            told_reasons: String::new(),
        };
        Self { inner: Mutex::new(inner), pace: Duration::ZERO, moment: Duration::ZERO }
    }

    /// Takes this much real time for each second that passes between two events, where virtual time takes none.
    ///
    /// Only for virtual time: a sink that sleeps holds up the controller.
    #[must_use]
    pub const fn with_pace(mut self, pace: Duration) -> Self {
        self.pace = pace;
        self
    }

    /// Tells everything within this time as one moment: in real time no two things happen at the same nanosecond.
    #[must_use]
    pub const fn with_moment(mut self, length: Duration) -> Self {
        self.moment = length;
        self
    }

    /// Counts time from here instead of from the first event.
    #[must_use]
    pub fn since(self, origin: Timestamp) -> Self {
        self.lock().origin = Some(origin);
        self
    }

    /// For a rollout that begins: events tell what changes, and the plan what was there before.
    #[must_use]
    pub fn expecting(self, plan: &Plan) -> Self {
        match RolloutState::open(plan.spec.clone(), &plan.initial, plan.as_of) {
            Ok(state) => self.following(&state),
            // A plan that cannot be opened is refused by the controller too, which says why.
            Err(_) => self,
        }
    }

    /// For a rollout that was begun before: its first events are in the journal and are not sent again.
    #[must_use]
    pub fn following(self, state: &RolloutState) -> Self {
        self.lock().board = Some(Board::of(state));
        self
    }

    /// Tells what is not told yet. With real time, call it now and then: the view cannot know that a moment is over
    /// before the next one begins.
    pub fn flush(&self) {
        let mut inner = self.lock();
        inner.tell();
        inner.redraw();
    }

    /// The end of the rollout: what is written next stands below the view.
    pub fn finish(&self) {
        self.flush();
        self.lock().screen.leave();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // The view is only drawn; a panic elsewhere cannot make it wrong for more than a moment.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EventSink for LiveView {
    fn emit(&self, event: &Event) {
        let mut inner = self.lock();
        if let Some(last) = inner.moment.as_ref().map(|moment| moment.at)
            && event.at.since(last) > self.moment
        {
            inner.tell();
            inner.moment = None;
            thread::sleep(self.pace.mul_f64(event.at.since(last).as_secs_f64()).min(LONGEST_PAUSE));
        }
        inner.take(event);
        if inner.screen.is_terminal() {
            inner.redraw();
        }
    }
}

impl Inner {
    fn take(&mut self, event: &Event) {
        self.origin.get_or_insert(event.at);
        let mut moment = self.moment.take().unwrap_or_else(|| Moment::new(event.at));
        match &event.kind {
            EventKind::Committed { record, .. } => self.record(record, &mut moment),
            EventKind::Waiting(report) => self.reasons = reasons(report),
            EventKind::Trouble { .. } => moment.say(event.to_string()),
            _ => {}
        }
        self.moment = Some(moment);
    }

    fn record(&mut self, record: &Record, moment: &mut Moment) {
        let Some(board) = &mut self.board else { return };
        let names = &self.versions;
        // Before it is applied: the board forgets an operation with its outcome.
        moment.record(record, |image| version(names, image), |op| board.seat_of(op));
        board.apply(record);
        if let Record::Close { .. } = record {
            self.reasons.clear();
        }
    }

    /// Writes down the moment that is over.
    fn tell(&mut self) {
        let Some(moment) = &mut self.moment else { return };
        if moment.is_empty() {
            return;
        }
        let at = moment.at;
        let told = std::mem::replace(moment, Moment::new(at)).text();
        let mut lines = Vec::new();
        let mut prefix = self.time(at);
        if !self.screen.is_terminal() {
            lines.push(format!("{prefix}  {}", self.fleet_in_one_line()));
            prefix = " ".repeat(prefix.len());
        }
        for words in told {
            lines.push(format!("{prefix}  {words}"));
            prefix = " ".repeat(prefix.len());
        }
        if !self.screen.is_terminal() && self.reasons != self.told_reasons {
            self.told_reasons.clone_from(&self.reasons);
            if !self.reasons.is_empty() {
                lines.push(format!("{prefix}  waiting: {}", self.reasons));
            }
        }
        let block = self.block();
        self.screen.draw(&lines, &block);
    }

    fn redraw(&mut self) {
        let block = self.block();
        self.screen.draw(&[], &block);
    }

    fn time(&self, at: Timestamp) -> String {
        let since = at.since(self.origin.unwrap_or(at));
        format!("{:>8}", format!("+{:.1}s", since.as_secs_f64()))
    }

    fn fleet_in_one_line(&self) -> String {
        let Some(board) = &self.board else { return String::new() };
        let rows: Vec<String> = self.rows(board).into_iter().map(|(_, cells)| cells).collect();
        format!("{}  {}", rows.join(" "), self.counters(board))
    }

    /// The fleet as it is now.
    fn block(&self) -> Vec<String> {
        let Some(board) = &self.board else { return Vec::new() };
        let width = board.spec().zones.iter().map(|zone| zone.as_str().len()).max().unwrap_or(0);
        let rows = self.rows(board).into_iter();
        let mut block: Vec<String> = rows.map(|(zone, cells)| format!("  {zone:<width$}  {cells}")).collect();
        let now = self.moment.as_ref().map(|moment| self.time(moment.at)).unwrap_or_default();
        block.insert(0, format!("  {}  {}", board.spec().rollout, now.trim()));
        block.push(format!("  {}", self.counters(board)));
        block.push(format!("  waiting: {}", nothing_as_dash(&self.reasons)));
        block
    }

    fn rows(&self, board: &Board) -> Vec<(String, String)> {
        let sign = |cell: Option<Cell>| {
            let Some(Cell { image, stand }) = cell else { return " ".to_owned() };
            let name = version(&self.versions, image).chars().last().unwrap_or('?');
            self.screen.sign(stand, name, image == board.spec().target)
        };
        let cells = |row: Vec<Option<Cell>>| row.into_iter().map(sign).collect::<String>();
        board.rows().into_iter().map(|(zone, row)| (zone.to_string(), cells(row))).collect()
    }

    fn counters(&self, board: &Board) -> String {
        let budget = board.spec().budget;
        format!(
            "available {} (>= {})  exist {} (<= {})  on {} {}/{}  failed {}",
            board.available(),
            budget.min_available(),
            board.total(),
            budget.max_total(),
            version(&self.versions, board.wanted()),
            board.updated(),
            budget.desired,
            board.failed(),
        )
    }
}

fn version(versions: &BTreeMap<Digest, String>, image: Digest) -> String {
    versions.get(&image).cloned().unwrap_or_else(|| image.short())
}

const fn nothing_as_dash(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}
