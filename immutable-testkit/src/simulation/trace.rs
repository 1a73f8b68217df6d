use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use immutable_core::event::{Event, EventKind, EventSink};
use immutable_core::{Digest, Timestamp};

/// What happened in a simulation, for people, in order of time. Kept only where it was asked for.
#[derive(Clone, Debug)]
pub(super) struct Trace {
    start: Timestamp,
    lines: Option<Arc<Mutex<String>>>,
}

impl Trace {
    pub(super) fn new(start: Timestamp, kept: bool) -> Self {
        Self { start, lines: kept.then(Arc::default) }
    }

    pub(super) fn say(&self, at: Timestamp, who: &str, what: impl FnOnce() -> String) {
        if let Some(lines) = &self.lines {
            let millis = at.since(self.start).as_millis();
            let mut lines = lock(lines);
            for line in what().lines() {
                // Writing to a text cannot fail.
                let _ = writeln!(lines, "{:>9}.{:03}  {who:<12} {line}", millis / 1000, millis % 1000);
            }
        }
    }

    pub(super) fn text(&self) -> Option<String> {
        self.lines.as_ref().map(|lines| lock(lines).clone())
    }
}

fn lock(lines: &Mutex<String>) -> MutexGuard<'_, String> {
    lines.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What one controller tells, told on in the time of the world and not of its own clock.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) trace: Trace,
    pub(super) who: String,
    pub(super) clock: Arc<dyn immutable_core::controller::Clock>,
}

impl EventSink for Told {
    fn emit(&self, event: &Event) {
        match &event.kind {
            // The store tells what was committed, also by people.
            EventKind::Committed { .. } => {}
            _ => self.trace.say(self.clock.now(), &self.who, || event.to_string()),
        }
    }
}

/// The digest of everything that was committed and done, which is the same for the same simulation.
#[derive(Debug, Default)]
pub(super) struct Fingerprint(Vec<u8>);

impl Fingerprint {
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
        self.0.extend_from_slice(bytes);
        // Kept short: what was is in the digest of what was.
        if self.0.len() > 1 << 16 {
            self.0 = Digest::of(&self.0).as_bytes().to_vec();
        }
    }

    pub(super) fn digest(&self) -> Digest {
        Digest::of(&self.0)
    }
}
