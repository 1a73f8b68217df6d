use std::collections::BTreeMap;
use std::fmt::Write;

use immutable_core::journal::{Control, Fact, Intent, Outcome, Record};
use immutable_core::plan::{PlanReport, Seat, WaitingOn};
use immutable_core::planner::{Observation, OpId};
use immutable_core::{Digest, Timestamp};

/// How many seats are named one by one.
const NAMED_SEATS: usize = 6;

/// Everything that is committed at one moment, told in one line.
#[derive(Debug)]
pub(super) struct Moment {
    pub(super) at: Timestamp,
    seats: BTreeMap<Deed, Vec<String>>,
    words: Vec<String>,
}

/// What happens to many instances at once, in the order in which it is told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Deed {
    Gone,
    Ready,
    Available,
    Broken(String),
    Launch(String),
    Retire,
}

impl Moment {
    pub(super) const fn new(at: Timestamp) -> Self {
        Self { at, seats: BTreeMap::new(), words: Vec::new() }
    }

    /// Takes in a record. `version` is what an image is called, `seat_of` which seat an operation is about.
    pub(super) fn record(
        &mut self,
        record: &Record,
        version: impl Fn(Digest) -> String,
        seat_of: impl Fn(OpId) -> Option<Seat>,
    ) {
        match record {
            Record::Intent { intent: Intent::Launch { seat, image, .. }, .. } => {
                self.seat(Deed::Launch(version(*image)), *seat);
            }
            Record::Intent { intent: Intent::Retire { seat }, .. } => self.seat(Deed::Retire, *seat),
            Record::Outcome { op, outcome: Outcome::Gone } => {
                if let Some(seat) = seat_of(*op) {
                    self.seat(Deed::Gone, seat);
                }
            }
            // The platform's yes is no news, and when it comes depends on the platform only.
            Record::Outcome { outcome: Outcome::Launched { .. }, .. } => {}
            Record::Fact(Fact::Observed { seat, observation }) => match observation {
                Observation::Ready { .. } => self.seat(Deed::Ready, *seat),
                Observation::Available => self.seat(Deed::Available, *seat),
                Observation::Broken(cause) => self.seat(Deed::Broken(cause.to_string()), *seat),
                _ => self.words.push(record.to_string()),
            },
            Record::Open { spec, .. } => {
                self.words.push(format!("{} begins on fleet {}", spec.rollout, spec.fleet));
            }
            Record::Control(Control::Approve { name }) => self.words.push(format!("approved `{name}`")),
            _ => self.words.push(record.to_string()),
        }
    }

    pub(super) fn say(&mut self, words: String) {
        self.words.push(words);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.seats.is_empty() && self.words.is_empty()
    }

    /// What happened, in words.
    pub(super) fn text(&self) -> Vec<String> {
        let deeds = self.seats.iter().map(|(deed, seats)| {
            let count = seats.len();
            let mut text = match deed {
                Deed::Gone => format!("gone {count}"),
                Deed::Ready => format!("ready {count}"),
                Deed::Available => format!("available {count}"),
                Deed::Broken(cause) => format!("BROKEN {count}, {cause}"),
                Deed::Launch(version) => format!("launch {count} {version}"),
                Deed::Retire => format!("retire {count}"),
            };
            let named = seats.iter().take(NAMED_SEATS).map(String::as_str).collect::<Vec<_>>().join(" ");
            let more = if count > NAMED_SEATS { " …" } else { "" };
            let _ = write!(text, ": {named}{more}");
            text
        });
        let deeds = deeds.collect::<Vec<_>>().join("; ");
        (!deeds.is_empty()).then_some(deeds).into_iter().chain(self.words.iter().cloned()).collect()
    }

    fn seat(&mut self, deed: Deed, seat: Seat) {
        self.seats.entry(deed).or_default().push(format!("{}.{}", seat.slot.0, seat.attempt.0));
    }
}

/// Why slots wait, with the number of slots for each reason.
pub(super) fn reasons(report: &PlanReport) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for reason in report.waiting.values() {
        *counts.entry(in_words(reason)).or_default() += 1;
    }
    let parts: Vec<String> = counts.iter().map(|(words, count)| format!("{count} {words}")).collect();
    parts.join(", ")
}

/// Without deadlines, so that slots which wait for the same thing are counted together.
fn in_words(reason: &WaitingOn) -> String {
    match reason {
        WaitingOn::Launch => "for the platform".to_owned(),
        WaitingOn::Ready { .. } => "to get ready".to_owned(),
        WaitingOn::MinReady { .. } => "to stay ready (min_ready)".to_owned(),
        WaitingOn::Recovery { .. } => "to recover".to_owned(),
        WaitingOn::Drain => "to drain and stop".to_owned(),
        WaitingOn::Surge => "for room (max_surge)".to_owned(),
        WaitingOn::Available => "for a replacement (max_unavailable)".to_owned(),
        WaitingOn::Bake { .. } => "for the bake time".to_owned(),
        other => other.to_string(),
    }
}
