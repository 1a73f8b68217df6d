use serde::{Deserialize, Serialize};

use super::Seat;
use crate::digest::Digest;
use crate::fleet::Instance;
use crate::id::{FleetId, RolloutId, Zone};
use crate::limits::{Budget, Limits};
use crate::seed::Seed;
use crate::strategy::Stage;

/// Everything a rollout pins before it begins. Only digests, never tags: what is rolled out cannot change on the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RolloutSpec {
    /// The rollout.
    pub rollout: RolloutId,
    /// The fleet.
    pub fleet: FleetId,
    /// The image to run.
    pub target: Digest,
    /// The image to go back to; `None` when there is none, as in a first deployment.
    pub previous: Option<Digest>,
    /// The limits as the user wrote them.
    pub limits: Limits,
    /// The limits in numbers, with the desired number of instances.
    pub budget: Budget,
    /// What the strategy is called.
    pub strategy: String,
    /// The stages, at least one.
    pub stages: Vec<Stage>,
    /// The zones; slot `k` belongs to zone `k` modulo their number, so a fleet always ends up balanced.
    pub zones: Vec<Zone>,
    /// Decides what nothing else decides.
    pub seed: Seed,
    /// What happens when the rollout fails.
    pub on_failure: OnFailure,
}

impl RolloutSpec {
    /// The zone a slot belongs to.
    #[must_use]
    pub fn zone_of(&self, slot: crate::id::Slot) -> &Zone {
        // A spec has at least one zone: the planner refuses a request without.
        &self.zones[slot.0 as usize % self.zones.len()]
    }
}

/// What a failed rollout does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// Launch the previous image again and retire the new one, within the same limits. The default: nobody has to be
    /// awake for it.
    #[default]
    Rollback,
    /// Stop where it stands and leave the rest to a person.
    Hold,
}

/// An instance that was there when the rollout began, with the seat it got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adopted {
    /// Its seat; attempt 0.
    pub seat: Seat,
    /// What was seen.
    pub instance: Instance,
}
