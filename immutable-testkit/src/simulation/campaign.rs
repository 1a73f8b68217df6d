use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use immutable_core::planner::Conclusion;

use super::{Report, Simulation};
use crate::faulty::FaultKind;

/// Many simulations, one for each seed, on several threads; a single run knows no threads.
#[derive(Clone, Debug)]
#[must_use]
pub struct Campaign {
    seeds: Range<u64>,
    threads: usize,
}

/// What came of a campaign.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Tallied {
    /// How many runs there were.
    pub runs: u64,
    /// How many of them broke something, the first ones of them whole.
    pub broken: u64,
    /// Some of those that broke something, in order of their seeds.
    pub failures: Vec<Report>,
    /// Virtual time of all of them.
    pub simulated: Duration,
    /// Records and effects of all of them.
    pub events: u64,
    /// Faults that somebody met, and in how many runs, by kind.
    pub met: BTreeMap<FaultKind, (u64, u64)>,
    /// How many ended how.
    pub ends: BTreeMap<&'static str, u64>,
    /// How many runs that met a fault of a kind ended how.
    pub ends_by_fault: BTreeMap<(FaultKind, &'static str), u64>,
}

/// How many whole reports are kept.
const KEPT: usize = 20;

impl Campaign {
    /// These seeds, on one thread.
    pub const fn of(seeds: Range<u64>) -> Self {
        Self { seeds, threads: 1 }
    }

    /// On so many threads.
    pub const fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// Runs all of them. What comes of it does not depend on the number of threads.
    #[must_use]
    pub fn run(&self) -> Tallied {
        let next = AtomicU64::new(self.seeds.start);
        let tallied = Mutex::new(Tallied::default());
        std::thread::scope(|scope| {
            for _ in 0..self.threads.max(1) {
                scope.spawn(|| {
                    loop {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if seed >= self.seeds.end {
                            return;
                        }
                        let report = Simulation::seeded(seed).run_with_oracle();
                        tallied.lock().unwrap_or_else(PoisonError::into_inner).add(report);
                    }
                });
            }
        });
        let mut tallied = tallied.into_inner().unwrap_or_else(PoisonError::into_inner);
        tallied.failures.sort_by_key(|report| report.seed);
        tallied.failures.truncate(KEPT);
        tallied
    }
}

const fn end(report: &Report) -> &'static str {
    match &report.conclusion {
        Some(Conclusion::Completed) => "completed",
        Some(Conclusion::RolledBack { .. }) => "rolled back",
        Some(Conclusion::Failed { .. }) => "failed",
        Some(Conclusion::Aborted) => "aborted",
        Some(_) | None => "no end",
    }
}

impl Tallied {
    fn add(&mut self, report: Report) {
        let end = end(&report);
        self.runs += 1;
        self.simulated += report.took;
        self.events += report.records + report.effects;
        *self.ends.entry(end).or_default() += 1;
        for (kind, count) in &report.met {
            let (all, runs) = self.met.entry(*kind).or_default();
            *all += count;
            *runs += 1;
            *self.ends_by_fault.entry((*kind, end)).or_default() += 1;
        }
        if report.violation.is_some() {
            self.broken += 1;
            self.failures.push(report);
            // Those of the smallest seeds are kept, whichever thread was first.
            self.failures.sort_by_key(|report| report.seed);
            self.failures.truncate(KEPT);
        }
    }

    /// The kinds of faults that nobody met: what was said about them was not shown.
    pub fn unmet(&self) -> impl Iterator<Item = FaultKind> {
        FaultKind::ALL.into_iter().filter(|kind| !self.met.contains_key(kind))
    }
}

impl fmt::Display for Tallied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} runs, {} broke something", self.runs, self.broken)?;
        let ends: Vec<String> = self.ends.iter().map(|(end, count)| format!("{count} {end}")).collect();
        writeln!(f, "ends: {}", ends.join(", "))?;
        writeln!(f, "{:<16} {:>10} {:>8}   ends of the runs that met it", "fault", "met", "runs")?;
        for kind in FaultKind::ALL {
            let (all, runs) = self.met.get(&kind).copied().unwrap_or_default();
            let ends = self.ends.keys().map(|end| {
                let count = self.ends_by_fault.get(&(kind, *end)).copied().unwrap_or_default();
                format!("{count} {end}")
            });
            let ends: Vec<String> = ends.collect();
            writeln!(f, "{kind:<16} {all:>10} {runs:>8}   {}", ends.join(", "))?;
        }
        Ok(())
    }
}
