use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::case::Case;
use crate::contestant::{Name, Run};

/// Ours may take this share of Swarm's time.
const SWARM_LIMIT: f64 = 0.7;
/// And this multiple of the engine's floor.
const FLOOR_LIMIT: f64 = 1.25;

/// All runs so far.
#[derive(Debug, Default)]
pub(crate) struct Standings(BTreeMap<Case, BTreeMap<Name, Vec<Run>>>);

/// Whether a limit was kept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Verdict {
    what: String,
    /// The worst that was measured.
    worst: f64,
    limit: f64,
    at: Case,
}

impl Standings {
    pub(crate) fn add(&mut self, name: Name, case: Case, run: Run) {
        self.0.entry(case).or_default().entry(name).or_default().push(run);
    }

    /// By case, and in it by contestant.
    pub(crate) fn runs(&self) -> impl Iterator<Item = (Case, Name, &[Run])> {
        self.0.iter().flat_map(|(case, by_name)| {
            by_name.iter().map(move |(name, runs)| (*case, *name, runs.as_slice()))
        })
    }

    pub(crate) fn cases(&self) -> impl Iterator<Item = Case> {
        self.0.keys().copied()
    }

    /// The median wall time in seconds. One that knows no parallelism was measured in one case of its size only.
    pub(crate) fn median(&self, name: Name, case: Case) -> Option<f64> {
        let mut runs = self.runs().filter(|(other, theirs, _)| {
            *theirs == name
                && other.replicas == case.replicas
                && (other.parallelism == case.parallelism || !name.has_parallelism())
        });
        let (_, _, runs) = runs.next()?;
        Some(median(&walls(runs)))
    }

    /// Our median divided by theirs.
    pub(crate) fn ratio(&self, name: Name, case: Case) -> Option<f64> {
        Some(self.median(Name::Ours, case)? / self.median(name, case)?)
    }

    /// One for each limit that there was something to compare with.
    pub(crate) fn verdicts(&self) -> Vec<Verdict> {
        let lost = |case| {
            let ours = self.runs().filter(|(other, name, _)| *other == case && *name == Name::Ours);
            let lost = ours.flat_map(|(_, _, runs)| runs).map(|run| run.load.failed_total() + run.load.stale);
            Some(lost.sum::<u64>() as f64)
        };
        [
            self.worst(format!("time ≤ {SWARM_LIMIT} × Swarm's"), SWARM_LIMIT, |case| {
                self.ratio(Name::Swarm, case)
            }),
            self.worst(format!("time ≤ {FLOOR_LIMIT} × the engine's floor"), FLOOR_LIMIT, |case| {
                self.ratio(Name::Floor, case)
            }),
            self.worst("no request failed or cut".to_owned(), 0.0, lost),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn worst(&self, what: String, limit: f64, value: impl Fn(Case) -> Option<f64>) -> Option<Verdict> {
        let values = self.cases().filter_map(|case| Some((value(case)?, case)));
        let (worst, at) = values.max_by(|(a, _), (b, _)| a.total_cmp(b))?;
        Some(Verdict { what, worst, limit, at })
    }
}

impl Verdict {
    pub(crate) fn is_kept(&self) -> bool {
        self.worst <= self.limit
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, worst, at: Case { replicas, parallelism }, .. } = self;
        let word = if self.is_kept() { "PASS" } else { "FAIL" };
        write!(f, "{word} {what}: at worst {worst:.2} ({replicas} containers, {parallelism} at a time)")
    }
}

/// In seconds, in order of size.
pub(crate) fn walls(runs: &[Run]) -> Vec<f64> {
    let mut walls: Vec<Duration> = runs.iter().map(|run| run.wall).collect();
    walls.sort_unstable();
    walls.iter().map(Duration::as_secs_f64).collect()
}

/// Of sorted values; 0 of none.
pub(crate) fn median(sorted: &[f64]) -> f64 {
    let at = |index: usize| sorted.get(index).copied().unwrap_or_default();
    f64::midpoint(at(sorted.len().saturating_sub(1) / 2), at(sorted.len() / 2))
}

#[cfg(test)]
pub(crate) mod tests {
    use std::num::NonZeroU32;

    use immutable_lab::LoadReport;

    use super::*;

    pub(crate) fn case(replicas: u32, parallelism: u32) -> Case {
        let of = |number| NonZeroU32::new(number).unwrap();
        Case { replicas: of(replicas), parallelism: of(parallelism) }
    }

    pub(crate) fn run(seconds: u64) -> Run {
        let wall = Duration::from_secs(seconds);
        Run { wall, load: LoadReport::default(), load_average: 0.5, cost: None }
    }

    #[test]
    fn the_median_is_the_middle_or_between_the_two() {
        assert_eq!(
            [median(&[]), median(&[3.0]), median(&[1.0, 2.0]), median(&[1.0, 4.0, 9.0])],
            [0.0, 3.0, 1.5, 4.0]
        );
    }

    #[test]
    fn the_worst_case_decides() {
        let mut standings = Standings::default();
        for (name, case, seconds) in [
            (Name::Ours, case(10, 1), 6),
            (Name::Swarm, case(10, 1), 10),
            (Name::Ours, case(10, 5), 8),
            (Name::Swarm, case(10, 5), 10),
        ] {
            standings.add(name, case, run(seconds));
        }
        let verdicts: Vec<String> = standings.verdicts().iter().map(ToString::to_string).collect();
        assert_eq!(
            verdicts,
            [
                "FAIL time ≤ 0.7 × Swarm's: at worst 0.80 (10 containers, 5 at a time)",
                "PASS no request failed or cut: at worst 0.00 (10 containers, 5 at a time)",
            ]
        );
    }

    #[test]
    fn one_without_parallelism_is_compared_with_every_case_of_its_size() {
        let mut standings = Standings::default();
        standings.add(Name::Ours, case(10, 5), run(4));
        standings.add(Name::Compose, case(10, 1), run(8));
        assert_eq!(standings.ratio(Name::Compose, case(10, 5)), Some(0.5));
        assert_eq!(standings.ratio(Name::Compose, case(30, 5)), None);
    }
}
