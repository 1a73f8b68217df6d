use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::id::{FleetId, RolloutId};
use crate::plan::{Adopted, Plan, RolloutSpec};

/// The rollout of a group as it was approved: all that its own journal begins with.
///
/// A release keeps it in its own journal, so that a successor that knows nothing but the name of the release begins
/// exactly what was approved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PinnedRollout {
    /// What is pinned.
    pub spec: Box<RolloutSpec>,
    /// The instances that were there when it was planned.
    pub initial: Vec<Adopted>,
    /// The plan that was approved.
    pub plan: Digest,
}

impl PinnedRollout {
    /// The fleet.
    #[must_use]
    pub const fn fleet(&self) -> &FleetId {
        &self.spec.fleet
    }

    /// The name of its journal.
    #[must_use]
    pub const fn rollout(&self) -> &RolloutId {
        &self.spec.rollout
    }
}

impl From<&Plan> for PinnedRollout {
    fn from(plan: &Plan) -> Self {
        Self { spec: Box::new(plan.spec.clone()), initial: plan.initial.clone(), plan: plan.digest() }
    }
}
