use std::fmt;

use crate::id::RolloutId;
use crate::journal::{Record, ReleaseRecord};
use crate::plan::PlanReport;
use crate::release::ReleaseReport;
use crate::time::Timestamp;

/// Something that happened in a rollout.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// In which rollout or release.
    pub rollout: RolloutId,
    /// What.
    pub kind: EventKind,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventKind {
    /// This was committed to the journal. The journal holds exactly these records in this order, so a finished rollout
    /// can be shown again from it.
    Committed {
        /// The number of the commit.
        seq: u64,
        /// What it says.
        record: Box<Record>,
    },
    /// The rollout waits; sent whenever the reasons have changed.
    Waiting(Box<PlanReport>),
    /// This was committed to the journal of a release; the event's `rollout` is the name of the release.
    Release {
        /// The number of the commit.
        seq: u64,
        /// What it says.
        record: Box<ReleaseRecord>,
    },
    /// What a release does and waits for; sent whenever that has changed.
    ReleaseWaiting(Box<ReleaseReport>),
    /// Something did not work and will be tried again.
    Trouble {
        /// What was tried.
        during: &'static str,
        /// What came of it, with its causes.
        error: String,
    },
}

impl Event {
    /// An event, for tests of sinks and for showing a stored rollout again.
    #[must_use]
    pub const fn new(at: Timestamp, rollout: RolloutId, kind: EventKind) -> Self {
        Self { at, rollout, kind }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            EventKind::Committed { record, .. } => fmt::Display::fmt(record, f),
            EventKind::Waiting(report) => fmt::Display::fmt(report, f),
            EventKind::Release { record, .. } => fmt::Display::fmt(record, f),
            EventKind::ReleaseWaiting(report) => fmt::Display::fmt(report, f),
            EventKind::Trouble { during, error } => write!(f, "{during}: {error} (will be tried again)"),
        }
    }
}
