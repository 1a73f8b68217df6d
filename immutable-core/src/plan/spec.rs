use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Seat;
use crate::calendar::Calendar;
use crate::digest::Digest;
use crate::fleet::Instance;
use crate::id::{FleetId, RolloutId, Zone};
use crate::limits::{Budget, Limits};
use crate::seed::Seed;
use crate::strategy::{Reason, SlotOrder, Stage};

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
    /// In which order the slots are worked off.
    #[serde(default)]
    pub order: SlotOrder,
    /// When it may act; `None`: always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<Calendar>,
    /// What happens when the rollout fails.
    pub on_failure: OnFailure,
    /// What happens to protected instances.
    #[serde(default)]
    pub on_protected: OnApart,
    /// What happens to instances that stand by.
    #[serde(default)]
    pub on_standby: OnApart,
    /// What happens when another number of instances is asked for on the way.
    #[serde(default)]
    pub on_resize: OnResize,
    /// What happens when another target is asked for on the way.
    #[serde(default)]
    pub on_retarget: OnRetarget,
    /// The platform picks the victim itself when told to remove an instance.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub picks_victim: bool,
}

impl RolloutSpec {
    /// What delays the openings of the calendar: the same for every rollout of the fleet, another for every fleet.
    #[must_use]
    pub fn calendar_seed(&self) -> Seed {
        Seed::new(0).child(self.fleet.as_str())
    }

    /// The zone a slot belongs to.
    #[must_use]
    pub fn zone_of(&self, slot: crate::id::Slot) -> &Zone {
        // A spec has at least one zone: the planner refuses a request without.
        &self.zones[slot.0 as usize % self.zones.len()]
    }
}

/// What a failed rollout does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// Launch the previous image again and retire the new one, within the same limits. The default: nobody has to be
    /// awake for it.
    #[default]
    Rollback,
    /// Stop where it stands and leave the rest to a person.
    Hold,
}

/// What a rollout does about an instance that somebody set apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum OnApart {
    /// Does not touch it, and is not done before it is free again or gone. The default: a rollout that says it is
    /// completed has replaced everything. The wait counts against no deadline.
    #[default]
    Wait,
    /// Leaves it as it is and is done without it.
    Skip,
    /// Replaces it like any other.
    Replace,
}

/// What a running rollout does when another number of instances is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum OnResize {
    /// Takes it over at once, its stages in proportion: half-way stays half-way. The default, as in Kubernetes: whoever asks
    /// for more instances during a rollout needs them now.
    #[default]
    Track,
    /// Keeps the number it began with; whoever asked has to ask again afterwards.
    Pin,
    /// Says no, with the reason.
    Refuse,
}

/// What a running rollout does when another target is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum OnRetarget {
    /// Says no, with the reason. The default: none of the others is right for everybody.
    #[default]
    Refuse,
    /// Begins anew with the new target at the first stage; what runs the former target is old now and leaves first, and the
    /// way back still leads to the image from before. That is also who has the traffic, where it is shared: the former target
    /// keeps only what it had. Back to the image from before it is one stage, which begins with the traffic.
    Replace,
    /// Goes on to the end and then begins with the new target; one asked for later takes its place.
    FinishFirst,
    /// Goes on to the end and then works off all targets in the order in which they were asked for.
    Queue,
}

/// What becomes of another size that is asked for on the way.
impl fmt::Display for OnResize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Track => "taken over at once",
            Self::Pin => "left for afterwards, to be asked for again",
            Self::Refuse => "refused",
        })
    }
}

/// What becomes of another target that is asked for on the way.
impl fmt::Display for OnRetarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refuse => "refused",
            Self::Replace => "begun with at once, in place of this one",
            Self::FinishFirst => "begun with after this one, the last one asked for only",
            Self::Queue => "begun with after this one, one after the other",
        })
    }
}

/// An instance that was there when the rollout began, with the seat it got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adopted {
    /// Its seat; attempt 0.
    pub seat: Seat,
    /// What was seen; the snapshot's own, not a copy.
    pub instance: Arc<Instance>,
    /// Why it is to be replaced; `None` if it stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}
