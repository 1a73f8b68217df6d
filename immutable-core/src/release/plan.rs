use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::nearest::nearest;
use super::{Forecast, PinnedRollout, ReleaseError, ReleaseSpec, forecast};
use crate::digest::Digest;
use crate::id::{FleetId, RolloutId};
use crate::plan::Plan;

/// A release with the plan of each of its groups: what is shown, approved and executed.
///
/// ```
/// use immutable_core::fleet::Snapshot;
/// use immutable_core::planner::PlanRequest;
/// use immutable_core::release::{Group, ReleasePlan, ReleaseSpec};
/// use immutable_core::strategy::Rolling;
/// use immutable_core::{Digest, FleetId, RolloutId, Timestamp, Zone};
///
/// let web = FleetId::new("web").unwrap();
/// let plan = PlanRequest::new(RolloutId::new("r7-web").unwrap(), Digest::of(b"v2"), 3)
///     .zones(vec![Zone::new("a").unwrap()])
///     .plan(&Snapshot::new(web.clone(), Timestamp::UNIX_EPOCH, 1, Vec::new()), &Rolling::new())
///     .unwrap();
/// let (release, spec) = (RolloutId::new("r7").unwrap(), ReleaseSpec::new().group(Group::new(web)));
/// let error = ReleasePlan::new(release.clone(), spec.clone(), Vec::new()).unwrap_err();
/// assert_eq!(error.to_string(), "group `web` of release r7 has no plan: give it one, or remove it");
///
/// let makespan = plan.makespan;
/// let whole = ReleasePlan::new(release, spec, vec![plan]).unwrap();
/// assert_eq!(whole.forecast().makespan, makespan);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleasePlan {
    release: RolloutId,
    spec: ReleaseSpec,
    /// In the order in which the groups were declared.
    plans: Vec<Plan>,
    forecast: Forecast,
}

/// A release whose plans do not fit it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReleasePlanError {
    /// Correct the specification.
    #[error("release {release} contradicts itself")]
    Release {
        /// The release.
        release: RolloutId,
        /// How.
        #[source]
        source: ReleaseError,
    },
    /// Plan the group too, or remove it.
    #[error("group `{group}` of release {release} has no plan: give it one, or remove it")]
    NoPlan {
        /// The release.
        release: RolloutId,
        /// The group.
        group: FleetId,
    },
    /// Give each group one plan.
    #[error("group `{group}` of release {release} has two plans: remove one of them")]
    TwoPlans {
        /// The release.
        release: RolloutId,
        /// The group.
        group: FleetId,
    },
    /// Declare the fleet as a group, or leave its plan away.
    #[error(
        "there is a plan of fleet `{fleet}`, which is no group of release {release}: {}",
        nearest.as_ref().map_or_else(|| "declare it among `groups`".to_owned(), |name| format!("the nearest name is `{name}`"))
    )]
    UnknownGroup {
        /// The release.
        release: RolloutId,
        /// The fleet.
        fleet: FleetId,
        /// The group that is spelt most like it.
        nearest: Option<FleetId>,
    },
    /// Choose another name: every rollout, every way back (`<rollout>-back`) and the release have a journal each.
    #[error(
        "two journals of release {release} would be named {name}: give each of its rollouts a name of its own"
    )]
    SameName {
        /// The release.
        release: RolloutId,
        /// The name.
        name: RolloutId,
    },
    /// Choose a shorter name, because the way back is named `<rollout>-back`.
    #[error("the rollout name {name} is too long for a group of release {release}: at most 58 characters")]
    LongName {
        /// The release.
        release: RolloutId,
        /// The name.
        name: RolloutId,
    },
}

impl ReleasePlan {
    /// The release of this name, with a plan of each of its groups in any order.
    ///
    /// # Errors
    /// [`ReleasePlanError`] names what to change.
    pub fn new(release: RolloutId, spec: ReleaseSpec, plans: Vec<Plan>) -> Result<Self, ReleasePlanError> {
        let contradiction = |source| ReleasePlanError::Release { release: release.clone(), source };
        spec.graph().map_err(contradiction)?;
        let mut by_fleet = BTreeMap::new();
        for plan in plans {
            let fleet = plan.spec.fleet.clone();
            if by_fleet.insert(fleet.clone(), plan).is_some() {
                return Err(ReleasePlanError::TwoPlans { release, group: fleet });
            }
        }
        let mut plans = Vec::with_capacity(spec.groups.len());
        for group in &spec.groups {
            let Some(plan) = by_fleet.remove(&group.fleet) else {
                return Err(ReleasePlanError::NoPlan { release, group: group.fleet.clone() });
            };
            plans.push(plan);
        }
        if let Some(fleet) = by_fleet.into_keys().next() {
            let nearest = nearest(fleet.as_str(), spec.groups.iter().map(|group| &group.fleet)).cloned();
            return Err(ReleasePlanError::UnknownGroup { release, fleet, nearest });
        }
        let mut names = BTreeSet::from([release.clone()]);
        for plan in &plans {
            let name = &plan.spec.rollout;
            let Some(back) = way_back(name) else {
                return Err(ReleasePlanError::LongName { release, name: name.clone() });
            };
            for name in [name.clone(), back] {
                if !names.insert(name.clone()) {
                    return Err(ReleasePlanError::SameName { release, name });
                }
            }
        }
        let makespans: BTreeMap<&FleetId, Duration> =
            plans.iter().map(|plan| (&plan.spec.fleet, plan.makespan)).collect();
        let forecast = forecast(&spec, |group| makespans.get(group).copied().unwrap_or_default())
            .map_err(contradiction)?;
        Ok(Self { release, spec, plans, forecast })
    }

    /// The name of the release.
    #[must_use]
    pub const fn release(&self) -> &RolloutId {
        &self.release
    }

    /// The groups and their order.
    #[must_use]
    pub const fn spec(&self) -> &ReleaseSpec {
        &self.spec
    }

    /// The plan of each group, in the order in which they were declared.
    #[must_use]
    pub fn plans(&self) -> &[Plan] {
        &self.plans
    }

    /// When each group is predicted to run.
    #[must_use]
    pub const fn forecast(&self) -> &Forecast {
        &self.forecast
    }

    /// What the journal of the release begins with.
    #[must_use]
    pub fn pinned(&self) -> Vec<PinnedRollout> {
        self.plans.iter().map(PinnedRollout::from).collect()
    }

    /// The digest of all that was approved: the specification and the plan of each group.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let plans: Vec<Digest> = self.plans.iter().map(Plan::digest).collect();
        // Text keys and nothing that JSON lacks, so this cannot fail.
        Digest::of(&serde_json::to_vec(&(&self.release, &self.spec, plans)).unwrap_or_default())
    }
}

/// The name of the rollout by which a group that was done goes back.
pub(crate) fn way_back(rollout: &RolloutId) -> Option<RolloutId> {
    RolloutId::new(format!("{rollout}-back")).ok()
}
