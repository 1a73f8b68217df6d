use std::fmt::Debug;

use async_trait::async_trait;

use super::controller::new_writer;
use crate::id::ClockId;
use crate::journal::Reading;
use crate::time::Timestamp;

/// Where the controller and in-memory platforms get the time from, so that tests can run hours in milliseconds.
#[async_trait]
pub trait Clock: Debug + Send + Sync {
    /// Now. Never goes backwards between two calls on one clock.
    fn now(&self) -> Timestamp;

    /// Returns when this time has come, at once if it already has.
    async fn sleep_until(&self, at: Timestamp);

    /// Which clock this is. A journal counts the time between what two processes wrote only if both went by the same one;
    /// two that may differ must not bear one name.
    fn id(&self) -> ClockId;

    /// What it shows, for a journal.
    fn read(&self) -> Reading {
        Reading { clock: self.id(), at: self.now() }
    }
}

/// The time of the operating system, on a tokio runtime with its timer enabled.
///
/// It reads the wall clock once and then counts monotonic time, so a step of the wall clock neither shortens nor
/// repeats a wait. All processes of one Linux, from its start to the next, have the same clock, in containers too: a
/// controller that is started again there knows how long nobody was at work. Elsewhere each process has one of its own.
#[derive(Clone, Debug)]
pub struct SystemClock {
    id: ClockId,
    wall: Timestamp,
    started: tokio::time::Instant,
}

impl SystemClock {
    /// A clock that starts now.
    #[must_use]
    pub fn new() -> Self {
        Self { id: id(), wall: std::time::SystemTime::now().into(), started: tokio::time::Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

/// The kernel's name for its present run; without one, a name that no other process has.
fn id() -> ClockId {
    let of_kernel = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok();
    let id = of_kernel.and_then(|id| ClockId::new(id.trim()).ok());
    id.unwrap_or_else(|| {
        #[expect(clippy::expect_used, reason = "the rule is that of a writer, and so is the text")]
        ClockId::new(new_writer().as_str()).expect("a clock identifier")
    })
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

    fn id(&self) -> ClockId {
        self.id.clone()
    }
}
