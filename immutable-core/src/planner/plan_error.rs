use super::IllegalTransition;
use crate::digest::Digest;
use crate::id::{FleetId, InstanceId, RolloutId, Zone};
use crate::limits::LimitsError;
use crate::plan::Deadlock;
use crate::quantity::counted;
use crate::strategy::StrategyError;
use crate::time::Timestamp;

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// Change the limits.
    #[error("the limits of rollout {rollout} cannot be kept")]
    Limits {
        /// The rollout.
        rollout: RolloutId,
        /// Which and how.
        #[source]
        source: LimitsError,
    },
    /// Change the strategy.
    #[error("the strategy of rollout {rollout} cannot be used")]
    Strategy {
        /// The rollout.
        rollout: RolloutId,
        /// Why.
        #[source]
        source: StrategyError,
    },
    /// Name the zones of the fleet.
    #[error(
        "rollout {rollout} names no zone: give at least one in `zones`, for example those of the fleet's capabilities"
    )]
    NoZones {
        /// The rollout.
        rollout: RolloutId,
    },
    /// Name each zone once: a zone that is named twice would get twice its part of the slots.
    #[error("rollout {rollout} names zone {zone} more than once: name each once in `zones`")]
    RepeatedZone {
        /// The rollout.
        rollout: RolloutId,
        /// The zone.
        zone: Zone,
    },
    /// Take the mark away, or look at the fleet again: it says something against an instance that does not exist.
    #[error(
        "rollout {rollout} marks instance {instance}, but fleet {fleet} has none of that name: take it out of `marks`, \
         or name one that exists"
    )]
    UnknownMark {
        /// The rollout.
        rollout: RolloutId,
        /// The instance.
        instance: InstanceId,
        /// The fleet as it was looked at.
        fleet: FleetId,
    },
    /// Choose another image to go back to.
    #[error(
        "rollout {rollout} would go back to {image}, which is its own target: name another image with `previous`, or leave \
         it out to go back to what most instances run"
    )]
    PreviousIsTarget {
        /// The rollout.
        rollout: RolloutId,
        /// The image.
        image: Digest,
    },
    /// Choose another target.
    #[error("rollout {rollout} would bring {image}, which was revoked: choose another `target`")]
    TargetRevoked {
        /// The rollout.
        rollout: RolloutId,
        /// The image.
        image: Digest,
    },
    /// Name another image to go back to, or let a failure stop where it stands.
    #[error(
        "rollout {rollout} could not go back: {image} was revoked; name another image with `previous`, or choose \
         `on_failure` = `hold`"
    )]
    NoWayBack {
        /// The rollout.
        rollout: RolloutId,
        /// The image.
        image: Digest,
    },
    /// Choose another target, or let this one last longer.
    #[error(
        "rollout {rollout} would bring {image}, which expires at {expires}, before the predicted end at {until}: choose a \
         `target` that lasts longer"
    )]
    TargetExpires {
        /// The rollout.
        rollout: RolloutId,
        /// The image.
        image: Digest,
        /// When nothing can be launched of it any more.
        expires: Timestamp,
        /// The predicted end.
        until: Timestamp,
    },
    /// Name another image to go back to, or let a failure stop where it stands.
    #[error(
        "rollout {rollout} could not go back all the time: {image} expires at {expires}, before the predicted end at \
         {until}; name another image with `previous`, or choose `on_failure` = `hold`"
    )]
    WayBackExpires {
        /// The rollout.
        rollout: RolloutId,
        /// The image.
        image: Digest,
        /// When nothing can be launched of it any more.
        expires: Timestamp,
        /// The predicted end.
        until: Timestamp,
    },
    /// Ask the platform for more, or lower the limit that is named.
    #[error("rollout {rollout} may need {} at once and the platform allows {quota}: {}",
        counted(*needed, "instance"), way_within(*quota, *needed, *desired, field))]
    Quota {
        /// The rollout.
        rollout: RolloutId,
        /// How many the platform allows.
        quota: u32,
        /// How many the limits allow.
        needed: u32,
        /// How many there shall be.
        desired: u32,
        /// The limit that asks for the most.
        field: &'static str,
    },
    /// Relax one of the limits that it names: within them the rollout would never finish.
    #[error("rollout {rollout} would never finish: {deadlock}")]
    Deadlock {
        /// The rollout.
        rollout: RolloutId,
        /// What bars it and what would free it.
        deadlock: Box<Deadlock>,
    },
    /// Relax one of the limits that it names for the way back, or let a failure stop where it stands: within them a failure
    /// after this stage could never be put right.
    #[error(
        "rollout {rollout} could not go back from stage {}: {deadlock}; relax that for the way back (`limits.rollback`), or \
         choose `on_failure` = `hold`",
        stage + 1
    )]
    StuckWayBack {
        /// The rollout.
        rollout: RolloutId,
        /// The stage, from 0.
        stage: usize,
        /// What bars it and what would free it.
        deadlock: Box<Deadlock>,
    },
    /// The snapshot contradicts itself; a defect of the fleet that took it.
    #[error("the snapshot of fleet {fleet} contradicts itself")]
    Snapshot {
        /// The fleet.
        fleet: FleetId,
        /// How.
        #[source]
        source: IllegalTransition,
    },
}

fn way_within(quota: u32, needed: u32, desired: u32, field: &str) -> String {
    let surge = needed.saturating_sub(desired);
    match quota.checked_sub(desired) {
        // With neither an extra nor a missing one nothing could be replaced.
        Some(0) => format!(
            "set `{field}` to 0 and `{}` to 1 at least, or raise the quota to {needed}",
            field.replace("surge", "unavailable")
        ),
        Some(room) => format!("set `{field}` to at most {room}, or raise the quota to {needed}"),
        None if quota > surge => {
            format!("lower `desired` from {desired} to {}, or raise the quota to {needed}", quota - surge)
        }
        None => format!("raise the quota to {needed}"),
    }
}
