use std::time::Duration;

use jiff::fmt::serde::unsigned_duration::friendly::compact::required as friendly;
use serde::{Deserialize, Serialize};

use super::{Adopted, PlanReport, RollbackPlan, RolloutSpec, Seat, Timeline};
use crate::digest::Digest;
use crate::id::Zone;
use crate::strategy::Share;
use crate::time::Timestamp;

/// The whole predicted rollout. Immutable; named by its digest.
///
/// It is the decision kernel folded over a predicted world, so preview and execution cannot disagree. The controller
/// does not follow it as a list: it observes and decides again at every turn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Plan {
    /// Version of this layout; 1 today.
    pub schema: u32,
    /// When the instances were looked at; the time line counts from here.
    pub as_of: Timestamp,
    /// What is pinned.
    pub spec: RolloutSpec,
    /// The instances that were there, in order of their seats.
    pub initial: Vec<Adopted>,
    /// What the prediction assumed.
    pub estimates: Estimates,
    /// What will happen, in order of time.
    pub timeline: Timeline,
    /// When the last predicted thing happens, after the start.
    #[serde(with = "friendly")]
    pub makespan: Duration,
    /// No schedule within these limits is shorter; see [`lower_bound`](super::lower_bound).
    #[serde(with = "friendly")]
    pub lower_bound: Duration,
    /// What the rollout will wait for at the end of the timeline, if it is not finished then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unfinished: Option<PlanReport>,
    /// What going back costs from each stage that the timeline completes, where a failure leads back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rollbacks: Vec<RollbackPlan>,
}

/// How long things take, for the prediction only: no decision rests on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Estimates {
    /// From a launch to ready. Default 30 s.
    #[serde(with = "friendly")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::time::DurationText"))]
    pub launch_to_ready: Duration,
    /// From leaving the router to gone. Default 10 s.
    #[serde(with = "friendly")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::time::DurationText"))]
    pub drain_to_gone: Duration,
}

impl Default for Estimates {
    fn default() -> Self {
        Self { launch_to_ready: Duration::from_secs(30), drain_to_gone: Duration::from_secs(10) }
    }
}

/// One predicted event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedStep {
    /// When, after the start.
    #[serde(with = "friendly")]
    pub at: Duration,
    /// What.
    pub event: PlannedEvent,
}

/// What is predicted to happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PlannedEvent {
    /// An instance is launched.
    Launch {
        /// The seat.
        seat: Seat,
        /// Where.
        zone: Zone,
        /// What.
        image: Digest,
    },
    /// An instance has been ready for the minimum time and takes traffic.
    Available {
        /// The seat.
        seat: Seat,
    },
    /// An instance leaves service.
    Retire {
        /// The seat.
        seat: Seat,
    },
    /// An instance no longer exists.
    Gone {
        /// The seat.
        seat: Seat,
    },
    /// The new group gets this share of the traffic, the old one the rest.
    Shift {
        /// The share.
        share: Share,
    },
    /// A stage begins.
    Stage {
        /// The stage, from 0.
        stage: usize,
    },
}

impl Plan {
    /// The identity of the plan: the digest of its stored form.
    #[must_use]
    pub fn digest(&self) -> Digest {
        // The stored form has neither maps with other keys than text nor anything else that JSON cannot hold.
        Digest::of(&serde_json::to_vec(self).unwrap_or_default())
    }
}
