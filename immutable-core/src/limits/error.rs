use std::time::Duration;

use crate::quantity::{Quantity, counted};

/// Limits that contradict themselves.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LimitsError {
    /// Raise one of the two: with neither an extra nor a missing instance nothing can ever be replaced.
    ///
    /// Kubernetes refuses a literal 0 and 0, but silently takes 1 unavailable where percentages round to 0 and 0
    /// (`ResolveFenceposts`); here that is an error too, because a limit that gives way is none.
    #[error(
        "{scope}max_surge {max_surge} and {scope}max_unavailable {max_unavailable} are both 0 of {}, so nothing could \
         be replaced: raise one of them, to 1 at least",
        counted(*desired, "instance")
    )]
    BothZero {
        /// Empty, or `rollback.` where the limits of the way back are meant.
        scope: &'static str,
        /// As given.
        max_surge: Quantity,
        /// As given.
        max_unavailable: Quantity,
        /// The number of instances they were applied to.
        desired: u32,
    },
    /// Make the progress deadline the longer one: one slow instance alone would break it.
    #[error(
        "progress_deadline {progress_deadline:?} is not longer than healthy_deadline {healthy_deadline:?} plus \
         min_ready {min_ready:?}: a single slow instance would count as a stuck rollout; set it to more than {:?}",
        healthy_deadline.saturating_add(*min_ready)
    )]
    ProgressDeadline {
        /// As given.
        progress_deadline: Duration,
        /// As given.
        healthy_deadline: Duration,
        /// As given.
        min_ready: Duration,
    },
    /// Make the progress deadline the longer one: a rollout that only waits would break it.
    #[error(
        "{field} {value:?} is not shorter than progress_deadline {progress_deadline:?}: {waits} would count as a stuck \
         rollout; set progress_deadline to more than {value:?}"
    )]
    SlowerThanProgress {
        /// The field.
        field: &'static str,
        /// As given.
        value: Duration,
        /// As given.
        progress_deadline: Duration,
        /// What takes so long.
        waits: &'static str,
    },
    /// Raise a limit: in a zone of this size, nothing could ever be replaced.
    #[error(
        "in a zone of {} nothing could be replaced: an extra one is allowed by {scope}max_surge {max_surge} and \
         max_surge_per_zone {max_surge_per_zone}, a missing one by {scope}max_unavailable {max_unavailable} and \
         max_unavailable_per_zone {max_unavailable_per_zone}; raise both of one pair, to 1 at least",
        counted(*size, "instance")
    )]
    ZoneZero {
        /// Empty, or `rollback.` where the limits of the way back are meant.
        scope: &'static str,
        /// Slots of the zone.
        size: u32,
        /// In instances.
        max_surge: u32,
        /// In instances, or `unlimited`.
        max_surge_per_zone: String,
        /// In instances.
        max_unavailable: u32,
        /// In instances, or `unlimited`.
        max_unavailable_per_zone: String,
    },
    /// Set the field to at least 1, or leave it out: as it is, nothing could ever be launched, or everything would fail.
    #[error("{field} is 0: set it to 1 at least, or leave {} out for no limit", section(field))]
    Zero {
        /// The field.
        field: &'static str,
    },
    /// Set the field to a time: as it is, it would break every rollout, or limit none.
    #[error("{field} is 0s, so {so}: set it to a time such as {such_as}")]
    NoTime {
        /// The field.
        field: &'static str,
        /// What no time at all would lead to.
        so: &'static str,
        /// A usual value.
        such_as: &'static str,
    },
    /// Ask for fewer zones, or name more of them in the rollout: as it is, no image would ever count as bad.
    #[error(
        "poison.zones is {zones}, but the rollout has {}, so no image would ever count as bad: set it to {most} at most",
        counted(*most, "zone")
    )]
    PoisonZones {
        /// As given.
        zones: u32,
        /// How many zones the rollout has.
        most: u32,
    },
    /// Ask for fewer instances.
    #[error("desired is {desired}, but one fleet has at most {most} instances: ask for fewer, or split it")]
    TooMany {
        /// How many were asked for.
        desired: u32,
        /// How many a fleet may have.
        most: u32,
    },
}

impl LimitsError {
    /// As an error of the limits of the way back.
    pub(crate) fn of_the_way_back(mut self) -> Self {
        if let Self::ZoneZero { scope, .. } = &mut self {
            *scope = "rollback.";
        }
        self
    }
}

/// What can be left out: a part of a limit cannot.
fn section(field: &str) -> &str {
    field.split('.').next().unwrap_or(field)
}
