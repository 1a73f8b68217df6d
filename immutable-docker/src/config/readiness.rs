use std::num::{NonZeroU16, NonZeroU32};
use std::time::Duration;

/// How it is found out that a running container can serve.
///
/// There is no default that trusts a container because it runs: an image without a `HEALTHCHECK` is refused until one
/// of the three is chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Readiness {
    /// The `HEALTHCHECK` of the image. The engine runs it in the container at the image's own interval, so a container
    /// is ready one interval after its start at the earliest, and each run costs the engine about 30 ms of CPU.
    #[default]
    Healthcheck,
    /// This library asks the container over HTTP; ready within 20 ms of the first good answer, at less than 1 ms of
    /// CPU. The process must be able to reach the addresses of the containers.
    Http(HttpProbe),
    /// A container is ready as soon as it runs, whether or not it can serve. A conscious choice for workers without
    /// a port; a rollout cannot see a server that hangs.
    RunningIsReady,
}

/// A readiness probe: `GET path` on a port of the container; 2xx and 3xx mean ready.
///
/// ```
/// use std::num::NonZeroU16;
/// use std::time::Duration;
/// use immutable_docker::HttpProbe;
///
/// let port = NonZeroU16::new(8080).unwrap();
/// let probe = HttpProbe::new(port, "/healthz").with_timeout(Duration::from_millis(300));
/// assert_eq!(probe.interval_starting(), Duration::from_millis(20));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpProbe {
    port: NonZeroU16,
    path: String,
    interval_starting: Duration,
    interval_ready: Duration,
    timeout: Duration,
    failures: NonZeroU32,
}

impl HttpProbe {
    /// A probe of this port and path (with the leading `/`) at the default schedule: every 20 ms until the container
    /// is ready, every 500 ms from then on, at most 1 s for an answer, unready after 3 failures in a row.
    #[must_use]
    pub fn new(port: NonZeroU16, path: impl Into<String>) -> Self {
        Self {
            port,
            path: path.into(),
            interval_starting: Duration::from_millis(20),
            interval_ready: Duration::from_millis(500),
            timeout: Duration::from_secs(1),
            failures: NonZeroU32::MIN.saturating_add(2),
        }
    }

    /// The pause between two probes of a container that is not ready yet. It grows with the time the container takes,
    /// by 2 % of it, up to the interval of ready ones: one that never gets ready must not be asked 50 times a second.
    #[must_use]
    pub const fn with_interval_starting(mut self, interval: Duration) -> Self {
        self.interval_starting = interval;
        self
    }

    /// The pause between two probes of a ready container.
    #[must_use]
    pub const fn with_interval_ready(mut self, interval: Duration) -> Self {
        self.interval_ready = interval;
        self
    }

    /// How long the container may take to answer.
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How many probes in a row must fail to make a container unready.
    #[must_use]
    pub const fn with_failures(mut self, failures: NonZeroU32) -> Self {
        self.failures = failures;
        self
    }

    /// The port.
    #[must_use]
    pub const fn port(&self) -> NonZeroU16 {
        self.port
    }

    /// The path.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The shortest pause between two probes of a container that is not ready.
    #[must_use]
    pub const fn interval_starting(&self) -> Duration {
        self.interval_starting
    }

    /// The pause between two probes of a ready container.
    #[must_use]
    pub const fn interval_ready(&self) -> Duration {
        self.interval_ready
    }

    /// How long the container may take to answer.
    #[must_use]
    pub const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// How many probes in a row must fail to make a container unready.
    #[must_use]
    pub const fn failures(&self) -> NonZeroU32 {
        self.failures
    }

    /// The pause before the next probe of a container that has not been ready for this long.
    pub(crate) fn pause_starting(&self, elapsed: Duration) -> Duration {
        (elapsed / 50).min(self.interval_ready).max(self.interval_starting)
    }

    /// What is wrong with it.
    pub(crate) fn problem(&self) -> Option<String> {
        // The path goes into a request line as it is.
        if !self.path.starts_with('/') || !self.path.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Some(format!(
                "readiness path `{}` must begin with `/` and have neither spaces nor non-ASCII characters",
                self.path.escape_debug()
            ));
        }
        [
            ("interval while starting", self.interval_starting),
            ("interval when ready", self.interval_ready),
            ("timeout", self.timeout),
        ]
        .into_iter()
        .find(|(_, duration)| duration.is_zero())
        .map(|(name, _)| format!("readiness {name} is 0: set at least 1 ms"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe(path: &str) -> HttpProbe {
        HttpProbe::new(NonZeroU16::new(80).unwrap(), path)
    }

    #[test]
    fn a_path_cannot_smuggle_a_second_request() {
        assert_eq!(probe("/healthz?x=1").problem(), None);
        for bad in ["", "healthz", "/a b", "/a\r\nHost: x", "/é"] {
            assert!(probe(bad).problem().is_some(), "{bad:?}");
        }
        assert!(probe("/").with_timeout(Duration::ZERO).problem().unwrap().contains("timeout"));
    }

    #[test]
    fn a_slow_starter_is_asked_less_and_less() {
        let probe = probe("/");
        let pause = |seconds| probe.pause_starting(Duration::from_secs(seconds)).as_millis();
        assert_eq!([pause(0), pause(1), pause(5), pause(25), pause(3600)], [20, 20, 100, 500, 500]);
    }
}
