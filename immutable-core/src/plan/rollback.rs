use std::fmt;
use std::time::Duration;

use jiff::fmt::serde::unsigned_duration::friendly::compact::{
    optional as friendly_option, required as friendly,
};
use serde::{Deserialize, Serialize};

/// What going back costs, if it begins when a stage is complete: made in advance for every stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RollbackPlan {
    /// The stage, from 0.
    pub stage: usize,
    /// Instances of the previous image that are launched; those that still live are used again.
    pub launches: u32,
    /// Instances that leave.
    pub retirements: u32,
    /// How long until no traffic goes to the new group any more, where traffic is shared: 0 while the old group stands.
    #[serde(with = "friendly_option", default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::time::DurationText>"))]
    pub traffic_back: Option<Duration>,
    /// How long until only the previous image is left.
    #[serde(with = "friendly")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::time::DurationText"))]
    pub makespan: Duration,
}

impl RollbackPlan {
    pub(crate) const fn new(stage: usize) -> Self {
        Self { stage, launches: 0, retirements: 0, traffic_back: None, makespan: Duration::ZERO }
    }
}

impl fmt::Display for RollbackPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stage, launches, retirements, traffic_back, makespan } = self;
        write!(
            f,
            "back from stage {}: {launches} launches, {retirements} retirements, {makespan:?}",
            stage + 1
        )?;
        traffic_back.map_or(Ok(()), |time| write!(f, ", the traffic is back after {time:?}"))
    }
}
