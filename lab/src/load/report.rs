use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// How many failures are kept one by one; all are counted.
const KEPT_FAILURES: usize = 20;

/// Why a request was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum FailureKind {
    /// The connection was refused or could not be made.
    Connect,
    /// No answer in time, or only a part of it.
    Timeout,
    /// The connection was closed or reset before the answer was complete.
    Closed,
    /// The answer was not HTTP as expected.
    Protocol,
    /// An answer with a status other than 200.
    Status(u16),
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect => f.write_str("connect"),
            Self::Timeout => f.write_str("timeout"),
            Self::Closed => f.write_str("closed"),
            Self::Protocol => f.write_str("protocol"),
            Self::Status(status) => write!(f, "status {status}"),
        }
    }
}

/// One lost request.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Failure {
    /// When it was due, since the load's start.
    pub at: Duration,
    /// Why it was lost.
    pub kind: FailureKind,
    /// What the system said.
    pub detail: String,
}

/// When answers of one version were seen.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct VersionSeen {
    /// Answers of this version.
    pub count: u64,
    /// The first one, since the load's start.
    pub first: Duration,
    /// The last one, since the load's start.
    pub last: Duration,
}

/// Latency of the requests that were answered, from when they were due to the last byte.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Latency {
    /// Half were answered within this time.
    pub p50: Duration,
    /// 99 of 100 were answered within this time.
    pub p99: Duration,
    /// The slowest.
    pub max: Duration,
}

/// What became of the load. `total = ok + failed`.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct LoadReport {
    /// Requests that were sent.
    pub total: u64,
    /// Requests answered with status 200.
    pub ok: u64,
    /// Requests lost, by kind.
    pub failed: BTreeMap<FailureKind, u64>,
    /// Requests whose reused connection died before the first byte and that succeeded on one retry over a new one.
    /// Counted in `ok`: a real client retries them; but a router that drains properly causes none.
    pub stale: u64,
    /// The first lost requests, one by one.
    pub failures: Vec<Failure>,
    /// Answers by their `X-Version` header.
    pub versions: BTreeMap<String, VersionSeen>,
    /// Latency of the answered requests.
    pub latency: Latency,
    /// How long the load ran.
    pub duration: Duration,
}

impl LoadReport {
    /// Requests lost, of all kinds.
    #[must_use]
    pub fn failed_total(&self) -> u64 {
        self.failed.values().sum()
    }

    /// Whether there was load, none of it was lost, and no connection was cut under a client.
    #[must_use]
    pub fn is_flawless(&self) -> bool {
        self.total > 0 && self.failed_total() == 0 && self.stale == 0
    }
}

impl fmt::Display for LoadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { total, ok, failed, stale, failures, versions, latency, duration } = self;
        writeln!(
            f,
            "{total} requests in {:.1} s: {ok} ok, {} failed, {stale} stale",
            duration.as_secs_f64(),
            self.failed_total()
        )?;
        let Latency { p50, p99, max } = latency;
        writeln!(f, "latency p50 {} p99 {} max {}", millis(*p50), millis(*p99), millis(*max))?;
        for (version, VersionSeen { count, first, last }) in versions {
            writeln!(
                f,
                "version {version}: {count} answers from {:.2} s to {:.2} s",
                first.as_secs_f64(),
                last.as_secs_f64()
            )?;
        }
        for (kind, count) in failed {
            writeln!(f, "failed by {kind}: {count}")?;
        }
        for Failure { at, kind, detail } in failures {
            writeln!(f, "  at {:.2} s: {kind}: {detail}", at.as_secs_f64())?;
        }
        Ok(())
    }
}

fn millis(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1000.0)
}

/// Collects results while the load runs.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    report: LoadReport,
    latencies: Vec<Duration>,
}

impl Recorder {
    pub(super) fn answered(&mut self, due: Duration, done: Duration, version: Option<String>, stale: bool) {
        self.report.total += 1;
        self.report.ok += 1;
        self.report.stale += u64::from(stale);
        self.latencies.push(done.saturating_sub(due));
        if let Some(version) = version {
            let seen = self.report.versions.entry(version).or_insert(VersionSeen {
                count: 0,
                first: done,
                last: done,
            });
            seen.count += 1;
            // Workers report out of order.
            seen.first = seen.first.min(done);
            seen.last = seen.last.max(done);
        }
    }

    pub(super) fn lost(&mut self, at: Duration, kind: FailureKind, detail: String) {
        self.report.total += 1;
        *self.report.failed.entry(kind).or_insert(0) += 1;
        if self.report.failures.len() < KEPT_FAILURES {
            self.report.failures.push(Failure { at, kind, detail });
        }
    }

    pub(super) fn report(&self, duration: Duration) -> LoadReport {
        let mut sorted = self.latencies.clone();
        sorted.sort_unstable();
        let latency = Latency {
            p50: percentile(&sorted, 50),
            p99: percentile(&sorted, 99),
            max: sorted.last().copied().unwrap_or_default(),
        };
        LoadReport { latency, duration, ..self.report.clone() }
    }
}

/// Nearest rank: the smallest value that at least `percent` of 100 do not exceed.
fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_ranks() {
        let sorted: Vec<_> = (1..=200).map(Duration::from_millis).collect();
        assert_eq!(percentile(&sorted, 50), Duration::from_millis(100));
        assert_eq!(percentile(&sorted, 99), Duration::from_millis(198));
        assert_eq!(percentile(&sorted[..1], 50), Duration::from_millis(1));
        assert_eq!(percentile(&[], 99), Duration::ZERO);
    }

    #[test]
    fn no_load_is_not_flawless() {
        assert!(!LoadReport::default().is_flawless());
    }

    #[test]
    fn a_stale_answer_is_ok_but_not_flawless() {
        let mut recorder = Recorder::default();
        recorder.answered(Duration::ZERO, Duration::from_millis(3), Some("v1".to_owned()), true);
        let report = recorder.report(Duration::from_secs(1));
        assert_eq!((report.ok, report.failed_total(), report.stale), (1, 0, 1));
        assert!(!report.is_flawless());
        assert!(report.to_string().contains("1 stale"), "{report}");
    }
}
