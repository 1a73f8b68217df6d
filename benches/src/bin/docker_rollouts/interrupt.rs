use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

use crate::error::BenchError;

/// How soon a wait notices.
const NOTICE: Duration = Duration::from_millis(5);

/// Whether somebody asked this process to end. What was started is stopped on the ordinary way out.
#[derive(Clone, Debug)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    pub(crate) fn register() -> Result<Self, BenchError> {
        let asked = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            flag::register(signal, Arc::clone(&asked)).map_err(BenchError::io("registering for signals"))?;
        }
        Ok(Self(asked))
    }

    /// An error once this process shall end.
    pub(crate) fn check(&self) -> Result<(), BenchError> {
        if self.0.load(Ordering::Relaxed) { Err(BenchError::Interrupted) } else { Ok(()) }
    }

    pub(crate) fn sleep(&self, time: Duration) -> Result<(), BenchError> {
        let end = Instant::now() + time;
        loop {
            self.check()?;
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            thread::sleep(left.min(NOTICE));
        }
    }

    /// Looks every few milliseconds until there is an answer.
    pub(crate) fn wait_for<T>(
        &self,
        what: &str,
        within: Duration,
        mut look: impl FnMut() -> Result<Option<T>, BenchError>,
    ) -> Result<T, BenchError> {
        let deadline = Instant::now() + within;
        loop {
            if let Some(found) = look()? {
                return Ok(found);
            }
            if Instant::now() >= deadline {
                return Err(BenchError::Overdue { what: what.to_owned(), within });
            }
            self.sleep(NOTICE)?;
        }
    }
}
