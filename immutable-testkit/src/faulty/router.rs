use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use immutable_core::Timestamp;
use immutable_core::controller::Clock;
use immutable_core::error::Retry;
use immutable_core::fleet::{Route, RouteChange, Router, RouterError};

use super::{FaultKind, Tally};

#[derive(Debug, Default)]
struct Faults {
    unanswered: u32,
    unreached: u32,
    down_until: Option<Timestamp>,
}

/// A router that is not reached, or makes changes and does not say so.
#[derive(Debug)]
pub struct FaultyRouter {
    inner: Arc<dyn Router>,
    clock: Arc<dyn Clock>,
    tally: Tally,
    faults: Mutex<Faults>,
}

impl FaultyRouter {
    /// A router without faults so far.
    #[must_use]
    pub fn new(inner: Arc<dyn Router>, clock: Arc<dyn Clock>, tally: Tally) -> Self {
        Self { inner, clock, tally, faults: Mutex::default() }
    }

    /// The next calls are done, but an error says that they may not be.
    pub fn lose_answers(&self, times: u32) {
        self.faults().unanswered = times;
    }

    /// The next calls do not reach it.
    pub fn lose_calls(&self, times: u32) {
        self.faults().unreached = times;
    }

    /// Nobody reaches it until then.
    pub fn unreachable(&self, until: Timestamp) {
        self.faults().down_until = Some(until);
    }

    /// No faults any more.
    pub fn heal(&self) {
        *self.faults() = Faults::default();
    }

    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the next call meets: nothing, the way there blocked, or the way back.
    fn meets(&self) -> (bool, bool) {
        let now = self.clock.now();
        let mut faults = self.faults();
        let unreached = faults.unreached > 0;
        faults.unreached -= u32::from(unreached);
        let unreached = unreached || faults.down_until.is_some_and(|until| now < until);
        let unanswered = !unreached && faults.unanswered > 0;
        faults.unanswered -= u32::from(unanswered);
        (unreached, unanswered)
    }

    fn error(&self, action: &'static str, why: &str) -> RouterError {
        self.tally.met(FaultKind::Ambiguous);
        RouterError::Platform { action, retry: Retry::Backoff, source: format!("injected: {why}").into() }
    }
}

#[async_trait]
impl Router for FaultyRouter {
    async fn observe(&self) -> Result<Vec<Route>, RouterError> {
        let (unreached, unanswered) = self.meets();
        if unreached || unanswered {
            return Err(self.error("observe", "not reached"));
        }
        self.inner.observe().await
    }

    async fn apply(&self, changes: &[RouteChange]) -> Result<(), RouterError> {
        let (unreached, unanswered) = self.meets();
        if unreached {
            return Err(self.error("apply", "not reached"));
        }
        self.inner.apply(changes).await?;
        if unanswered { Err(self.error("apply", "no answer")) } else { Ok(()) }
    }
}
