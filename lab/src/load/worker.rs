use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::connection::{Answer, Connection, Lost};
use super::report::{FailureKind, Recorder};

/// How long a sleeping worker may take to notice that the load ends.
const NOTICE: Duration = Duration::from_millis(20);

/// What all workers of a load share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) addr: SocketAddr,
    pub(super) timeout: Duration,
    pub(super) start: Instant,
    pub(super) end: Instant,
    pub(super) stop: AtomicBool,
    pub(super) recorder: Mutex<Recorder>,
}

impl Shared {
    pub(super) fn with_recorder<T>(&self, work: impl FnOnce(&mut Recorder) -> T) -> T {
        // Recording does not panic half-way, so a poisoned recorder is still a good one.
        work(&mut self.recorder.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn ended(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || Instant::now() >= self.end
    }

    /// Sleeps until `due`; false when the load ends first.
    fn wait_for(&self, due: Instant) -> bool {
        loop {
            if self.ended() {
                return false;
            }
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            thread::sleep(left.min(NOTICE));
        }
    }
}

/// The schedule of one kind of workers: whoever is free takes the next request.
#[derive(Debug)]
pub(super) struct Schedule {
    next: AtomicU32,
    offset: Duration,
    period: Duration,
    reuse: bool,
}

impl Schedule {
    pub(super) fn new(offset: Duration, period: Duration, reuse: bool) -> Self {
        Self { next: AtomicU32::new(0), offset, period, reuse }
    }

    fn take(&self) -> Duration {
        self.offset + self.period * self.next.fetch_add(1, Ordering::Relaxed)
    }
}

/// Sends requests as they become due, until the load ends.
pub(super) fn work(shared: &Shared, schedule: &Schedule, path: &str) {
    let connection = if schedule.reuse { "keep-alive" } else { "close" };
    let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: {connection}\r\n\r\n", shared.addr);
    let mut idle = None;
    loop {
        let due = schedule.take();
        if !shared.wait_for(shared.start + due) {
            return;
        }
        let (result, stale) = send(shared, &mut idle, request.as_bytes(), schedule.reuse);
        let done = shared.start.elapsed();
        shared.with_recorder(|recorder| match result {
            Ok(Answer { status: 200, version, .. }) => recorder.answered(due, done, version, stale),
            Ok(Answer { status, version, .. }) => {
                let detail = format!("version {}", version.as_deref().unwrap_or("unknown"));
                recorder.lost(due, FailureKind::Status(status), detail);
            }
            Err(Lost { kind, detail, .. }) => recorder.lost(due, kind, detail),
        });
    }
}

/// One request, with one retry when it is the reused connection that was dead. The flag says that there was one.
fn send(
    shared: &Shared,
    idle: &mut Option<Connection>,
    request: &[u8],
    reuse: bool,
) -> (Result<Answer, Lost>, bool) {
    let deadline = Instant::now() + shared.timeout;
    let mut stale = false;
    if let Some(mut connection) = idle.take() {
        match connection.exchange(request, deadline) {
            Ok(answer) => {
                *idle = answer.keep_alive.then_some(connection);
                return (Ok(answer), false);
            }
            Err(lost) if lost.before_first_byte => stale = true,
            Err(lost) => return (Err(lost), false),
        }
    }
    let result = Connection::open(shared.addr, deadline).and_then(|mut connection| {
        let answer = connection.exchange(request, deadline)?;
        *idle = (reuse && answer.keep_alive).then_some(connection);
        Ok(answer)
    });
    (result, stale)
}
