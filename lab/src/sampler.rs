use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// One observation.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Sample<T> {
    /// When the observation began, since the sampler's start.
    pub at: Duration,
    /// How long it took; what it saw is true of some moment in between.
    pub took: Duration,
    /// What was seen.
    pub value: T,
}

/// Calls a closure at an interval, on a thread of its own, and keeps everything it returns.
///
/// For properties that must hold at every moment ("at least nine containers answer"), watched from outside the code
/// under test. The first sample is taken at once and one more at the end, so that there are always two.
///
/// ```
/// # use std::time::Duration;
/// let sampler = immutable_lab::Sampler::start(Duration::from_millis(1), || 10);
/// let samples = sampler.stop();
/// assert!(samples.len() >= 2 && samples.iter().all(|sample| sample.value >= 9));
/// ```
#[derive(Debug)]
pub struct Sampler<T> {
    stop: Sender<()>,
    thread: JoinHandle<Vec<Sample<T>>>,
}

impl<T: Send + 'static> Sampler<T> {
    /// Starts sampling.
    pub fn start(interval: Duration, mut observe: impl FnMut() -> T + Send + 'static) -> Self {
        let (stop, stopped) = mpsc::channel();
        let thread = thread::spawn(move || {
            let start = Instant::now();
            let mut samples = Vec::new();
            let mut last = false;
            loop {
                let at = start.elapsed();
                let value = observe();
                let took = start.elapsed() - at;
                samples.push(Sample { at, took, value });
                if last {
                    return samples;
                }
                let pause = interval.saturating_sub(took);
                last = !matches!(stopped.recv_timeout(pause), Err(RecvTimeoutError::Timeout));
            }
        });
        Self { stop, thread }
    }

    /// Takes a last sample and returns all of them, in order. A panic of the closure goes on here.
    #[must_use]
    pub fn stop(self) -> Vec<Sample<T>> {
        // The thread may have ended by a panic, which the join reports.
        let _ = self.stop.send(());
        self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_come_in_order_at_the_interval() {
        let mut count = 0;
        let sampler = Sampler::start(Duration::from_millis(5), move || {
            count += 1;
            count
        });
        thread::sleep(Duration::from_millis(60));
        let samples = sampler.stop();
        assert!((3..=14).contains(&samples.len()), "{} samples", samples.len());
        assert!(samples.iter().map(|sample| sample.value).eq(1..=samples.len()));
        assert!(samples.windows(2).all(|pair| pair[0].at <= pair[1].at));
    }

    #[test]
    fn a_sampler_that_is_stopped_at_once_still_looks_twice() {
        assert!(Sampler::start(Duration::from_secs(60), || ()).stop().len() == 2);
    }
}
