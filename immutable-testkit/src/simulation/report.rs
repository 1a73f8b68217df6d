use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use immutable_core::planner::Conclusion;
use immutable_core::{Digest, RolloutId, Slot};

use super::{Schedule, Setup, Violation};
use crate::faulty::FaultKind;

/// What came of a simulation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The seed, if it was drawn from one.
    pub seed: Option<u64>,
    /// The world.
    pub setup: Setup,
    /// What was to go wrong.
    pub schedule: Schedule,
    /// How the rollout ended; `None`: it could not be planned, or did not end.
    pub conclusion: Option<Conclusion>,
    /// The first thing that must never be so and was.
    pub violation: Option<Violation>,
    /// How many faults of each kind somebody met.
    pub met: BTreeMap<FaultKind, u64>,
    /// How much time passed in the world.
    pub took: Duration,
    /// How many records were committed.
    pub records: u64,
    /// How many things happened to instances.
    pub effects: u64,
    /// How often something was launched in each slot.
    pub launches: BTreeMap<(RolloutId, Slot), u32>,
    /// The digest of everything that was committed and happened.
    pub digest: Digest,
    /// The same for people, if it was asked for.
    pub trace: Option<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(seed) = self.seed {
            writeln!(f, "seed {seed}")?;
        }
        match &self.violation {
            Some(violation) => writeln!(f, "VIOLATION {violation}")?,
            None => writeln!(f, "sound")?,
        }
        match &self.conclusion {
            Some(conclusion) => writeln!(f, "the rollout: {conclusion}")?,
            None => writeln!(f, "the rollout has no end")?,
        }
        writeln!(
            f,
            "{} records, {} effects, {:?} of virtual time, {} faults scheduled",
            self.records,
            self.effects,
            self.took,
            self.schedule.faults().len()
        )?;
        for (kind, count) in &self.met {
            writeln!(f, "  {kind:<14} {count:>6}")?;
        }
        write!(f, "digest {}", self.digest)
    }
}
