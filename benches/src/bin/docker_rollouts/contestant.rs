use std::fmt;
use std::time::Duration;

use immutable_lab::LoadReport;

use crate::case::Case;
use crate::compose::Compose;
use crate::error::BenchError;
use crate::floor::Floor;
use crate::options::Options;
use crate::ours::Ours;
use crate::stage::Stage;
use crate::swarm::Swarm;

/// Who replaces containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Name {
    Ours,
    Floor,
    Swarm,
    Compose,
}

/// One measured rollout.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    /// From the start of the command to its end.
    pub(crate) wall: Duration,
    /// What became of the requests meanwhile.
    pub(crate) load: LoadReport,
    /// The machine's load average of the last minute when it began.
    pub(crate) load_average: f64,
    /// What only our own deploying process tells.
    pub(crate) cost: Option<Cost>,
}

/// What one rollout cost the deploying process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    /// Requests to the engine, connecting and planning included.
    pub(crate) engine_calls: u64,
    /// CPU time of the process.
    pub(crate) cpu: Duration,
}

/// Brings up a fleet of `v1`, replaces it by `v2` under load, and takes all of it down.
pub(crate) trait Contestant {
    /// One such run; nothing of it is left behind, also when it fails.
    fn run(&self, stage: &Stage, case: Case) -> Result<Run, BenchError>;
}

impl Name {
    /// Whoever has this name.
    pub(crate) fn contestant(self, options: &Options) -> Box<dyn Contestant> {
        match self {
            Self::Ours => Box::new(Ours::new(options.trace.clone())),
            Self::Floor => Box::new(Floor),
            Self::Swarm => Box::new(Swarm::new(options.swarm_health_interval())),
            Self::Compose => Box::new(Compose),
        }
    }

    /// Whether it can be told how many containers to replace at a time.
    pub(crate) const fn has_parallelism(self) -> bool {
        !matches!(self, Self::Compose)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ours => "ours",
            Self::Floor => "floor",
            Self::Swarm => "Swarm",
            Self::Compose => "compose",
        })
    }
}
