use std::fmt;

use serde::Serialize;

use super::{GroupList, GroupPhase, GroupWaitingOn, Heading, PhaseCounts, Release, ReleaseOutcome};
use crate::id::BarrierName;

/// Where a release is and what it waits for. Data, so that "why does this group not begin?" has a printed answer.
#[must_use = "an unread report answers nobody's question"]
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ReleaseReport {
    /// Which way it goes.
    pub heading: Heading,
    /// How it ended; `None` while something moves.
    pub outcome: Option<ReleaseOutcome>,
    /// How many groups are in each phase.
    pub counts: PhaseCounts,
    /// The groups that failed on the way forward and were not put right.
    pub failed: GroupList,
    /// The groups that failed on their way back.
    pub stranded: GroupList,
    /// The groups that may begin, or go back, but for `max_running` and `max_returning`.
    pub next: GroupList,
    /// On the way forward: the barriers that groups stand at now. Barriers that only wait for other barriers follow from
    /// these and are left out.
    pub barriers: Vec<BarrierReport>,
}

/// A barrier that is not passed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BarrierReport {
    /// Which.
    pub barrier: BarrierName,
    /// The groups directly before it that are not done.
    pub unfinished: GroupList,
    /// How many groups are directly after it.
    pub waiting: usize,
}

impl Release {
    /// Where the release is. Takes time linear in groups, barriers and edges.
    pub fn report(&self) -> ReleaseReport {
        let groups = 0..self.phases.len();
        let stranded = groups.filter(|group| self.phases[*group] == GroupPhase::Stranded);
        let next: Vec<usize> = match self.heading {
            Heading::Forward => self.candidates().collect(),
            Heading::Back => self.returnees().collect(),
        };
        ReleaseReport {
            heading: self.heading,
            outcome: self.outcome(),
            counts: self.counts(),
            failed: self.named(self.failed.iter().copied()),
            stranded: self.named(stranded),
            next: self.named(next),
            barriers: match self.heading {
                Heading::Forward => self.barrier_reports(),
                Heading::Back => Vec::new(),
            },
        }
    }

    fn barrier_reports(&self) -> Vec<BarrierReport> {
        let groups = self.phases.len();
        (groups..self.graph.nodes())
            .filter(|barrier| self.pending[*barrier] > 0)
            .filter_map(|barrier| {
                let before = self.graph.before(barrier);
                let unfinished = before
                    .iter()
                    .copied()
                    .filter(|node| self.phases.get(*node).is_some_and(|phase| *phase != GroupPhase::Done));
                let unfinished = self.named(unfinished);
                let waiting = self.graph.after(barrier).iter().filter(|node| **node < groups).count();
                (unfinished.total() > 0).then(|| BarrierReport {
                    // Nodes from the number of groups on are barriers.
                    barrier: self.graph.barriers[barrier - groups].clone(),
                    unfinished,
                    waiting,
                })
            })
            .collect()
    }
}

impl fmt::Display for ReleaseReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { heading, outcome, counts, failed, stranded, next, barriers } = self;
        write!(f, "{counts}")?;
        match (heading, outcome) {
            (_, Some(ReleaseOutcome::Done)) => {}
            (_, Some(ReleaseOutcome::RolledBack)) => f.write_str("; everything is back")?,
            (_, Some(ReleaseOutcome::Stopped)) => f.write_str("; stopped")?,
            (Heading::Forward, None) => {}
            (Heading::Back, None) => f.write_str("; going back")?,
        }
        for (what, list) in [("failed", failed), ("stranded", stranded), ("next", next)] {
            if list.total() > 0 {
                write!(f, "\n  {what}: {list}")?;
            }
        }
        for BarrierReport { barrier, unfinished, waiting } in barriers {
            let on = GroupWaitingOn::Barrier { barrier: barrier.clone(), unfinished: unfinished.clone() };
            match waiting {
                1 => write!(f, "\n  {on}; 1 group comes directly after it")?,
                _ => write!(f, "\n  {on}; {waiting} groups come directly after it")?,
            }
        }
        Ok(())
    }
}
