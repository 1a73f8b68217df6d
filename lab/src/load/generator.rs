use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::options::LoadOptions;
use super::report::{LoadReport, Recorder};
use super::worker::{Schedule, Shared, work};
use crate::{LabError, Netns};

/// Load that is being sent. Dropping it stops it.
#[derive(Debug)]
pub struct Load {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
}

impl Load {
    /// Starts to send load to `addr`, which must be a loopback address.
    ///
    /// # Errors
    ///
    /// For any other address, and when the namespace of the options cannot be entered.
    pub fn start(addr: impl Into<SocketAddr>, options: LoadOptions) -> Result<Self, LabError> {
        let addr = addr.into();
        if !addr.ip().is_loopback() {
            return Err(LabError::NotLoopback { addr });
        }
        let LoadOptions { rate, keep_alive_workers, new_connection_workers, timeout, path, netns, at_most } =
            options;
        if let Some(netns) = &netns {
            // Tried once here, so that the workers' own entering has no error left to report.
            Netns::run_in(netns, || ())?;
        }
        let start = Instant::now();
        let shared = Arc::new(Shared {
            addr,
            timeout,
            start,
            end: start + at_most,
            stop: AtomicBool::new(false),
            recorder: Mutex::new(Recorder::default()),
        });

        let kinds = [(keep_alive_workers, true), (new_connection_workers, false)];
        let used: Vec<_> = kinds.into_iter().filter(|(workers, _)| *workers > 0).collect();
        let tick = Duration::from_secs(1) / rate.max(1);
        let mut workers = Vec::new();
        for (offset, &(count, reuse)) in (0..).zip(&used) {
            let period = tick * u32::try_from(used.len()).unwrap_or(1);
            let schedule = Arc::new(Schedule::new(tick * offset, period, reuse));
            for _ in 0..count {
                let (shared, schedule) = (Arc::clone(&shared), Arc::clone(&schedule));
                let (path, netns) = (path.clone(), netns.clone());
                workers.push(thread::spawn(move || {
                    if netns.is_none_or(|netns| Netns::enter(&netns).is_ok()) {
                        work(&shared, &schedule, &path);
                    }
                }));
            }
        }
        Ok(Self { shared, workers })
    }

    /// What became of the load so far.
    #[must_use]
    pub fn report(&self) -> LoadReport {
        let elapsed = Instant::now().min(self.shared.end) - self.shared.start;
        self.shared.with_recorder(|recorder| recorder.report(elapsed))
    }

    /// Stops sending, waits for the answers under way and reports.
    #[must_use]
    pub fn stop(mut self) -> LoadReport {
        self.join();
        self.report()
    }

    fn join(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        for worker in self.workers.drain(..) {
            // A worker that panicked has recorded what it did before.
            let _ = worker.join();
        }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.join();
    }
}
