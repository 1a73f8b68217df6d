use std::fmt;
use std::time::Duration;

use jiff::fmt::serde::unsigned_duration::friendly::compact::{
    optional as friendly_option, required as friendly,
};
use serde::{Deserialize, Serialize};

use crate::quantity::counted;

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
    /// It would not come to its end by itself but wait for somebody, as for an instance that is set apart; the other numbers
    /// are those until then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub waits: bool,
}

impl RollbackPlan {
    pub(crate) const fn new(stage: usize) -> Self {
        Self {
            stage,
            launches: 0,
            retirements: 0,
            traffic_back: None,
            makespan: Duration::ZERO,
            waits: false,
        }
    }
}

impl fmt::Display for RollbackPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stage, launches, retirements, traffic_back, makespan, waits } = self;
        write!(f, "back from stage {}: ", stage + 1)?;
        if *launches + *retirements == 0 {
            f.write_str("nothing to launch or to retire")?;
        } else {
            let (launches, retirements) = (counted(*launches, "launch"), counted(*retirements, "retirement"));
            write!(f, "{launches}, {retirements}, {makespan:?}")?;
        }
        match traffic_back {
            None => {}
            Some(Duration::ZERO) => f.write_str(", the traffic is back at once")?,
            Some(time) => write!(f, ", the traffic is back after {time:?}")?,
        }
        f.write_str(if *waits { ", and then it waits for somebody" } else { "" })
    }
}
