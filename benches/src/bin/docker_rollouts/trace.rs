use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use immutable_core::event::{Event, EventSink};

use crate::error::BenchError;

/// Writes what the controller tells into a file: milliseconds since the trace began, and the event.
#[derive(Debug)]
pub(crate) struct Trace {
    file: Mutex<File>,
    began: Instant,
}

impl Trace {
    pub(crate) fn create(path: &Path) -> Result<Self, BenchError> {
        let file = File::create(path).map_err(BenchError::io(format!("making {}", path.display())))?;
        Ok(Self { file: Mutex::new(file), began: Instant::now() })
    }
}

impl EventSink for Trace {
    fn emit(&self, event: &Event) {
        let millis = self.began.elapsed().as_secs_f64() * 1000.0;
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // A trace that cannot be written is seen to be short; the rollout goes on.
        let _ = writeln!(file, "{millis:9.1} {event}");
    }
}
