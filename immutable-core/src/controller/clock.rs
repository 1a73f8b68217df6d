use std::fmt::Debug;

use async_trait::async_trait;

use crate::time::Timestamp;

/// Where the controller and in-memory platforms get the time from, so that tests can run hours in milliseconds.
#[async_trait]
pub trait Clock: Debug + Send + Sync {
    /// Now. Never goes backwards between two calls on one clock.
    fn now(&self) -> Timestamp;

    /// Returns when this time has come, at once if it already has.
    async fn sleep_until(&self, at: Timestamp);
}

/// The time of the operating system, on a tokio runtime with its timer enabled.
///
/// It reads the wall clock once and then counts monotonic time, so a step of the wall clock neither shortens nor
/// repeats a wait.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    wall: Timestamp,
    started: tokio::time::Instant,
}

impl SystemClock {
    /// A clock that starts now.
    #[must_use]
    pub fn new() -> Self {
        Self { wall: std::time::SystemTime::now().into(), started: tokio::time::Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        self.wall + self.started.elapsed()
    }

    async fn sleep_until(&self, at: Timestamp) {
        let wait = at.since(self.now());
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }
}
