use std::time::Duration;

use jiff::fmt::serde::unsigned_duration::friendly::compact::required as friendly;
use serde::{Deserialize, Serialize};

use super::{Budget, LaunchRate, LimitsError, Poison, RollbackLimits, ZoneBudget};
use crate::quantity::Quantity;

/// What must hold at every moment of a rollout.
///
/// In a configuration file durations are written as `90s`, `5m` or `1h 30m`, quantities as a number or a text with `%`:
///
/// ```
/// use std::time::Duration;
/// use immutable_core::{Quantity, limits::Limits};
///
/// let limits: Limits = serde_json::from_str(r#"{"max_surge": 3, "max_unavailable": "10%", "min_ready": "30s"}"#).unwrap();
/// assert_eq!(limits.max_surge, Quantity::Count(3));
/// assert_eq!(limits.min_ready, Duration::from_secs(30));
/// let error = serde_json::from_str::<Limits>(r#"{"max_surge": "3"}"#).unwrap_err();
/// assert!(error.to_string().contains("`3` is not a quantity"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// How many instances more than desired may exist, those starting and stopping included. A percentage rounds up.
    /// Default 25 %, as in Kubernetes.
    pub max_surge: Quantity,
    /// How many instances fewer than desired may be available. A percentage rounds down. Default 0: nobody expects a
    /// deploy to take capacity away.
    pub max_unavailable: Quantity,
    /// How long an instance must be ready without a break before it counts as available and gets traffic. Default 0;
    /// set it to longer than the time in which a bad version usually dies.
    #[serde(with = "friendly")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::time::DurationText"))]
    pub min_ready: Duration,
    /// How long an instance may take from its launch to ready, and how long a running one may be unready, before it
    /// counts as broken and is replaced. Default 5 minutes, as in Nomad.
    #[serde(with = "friendly")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::time::DurationText"))]
    pub healthy_deadline: Duration,
    /// How long the rollout may go without reaching more than it ever had reached. Default 10 minutes, as in Kubernetes
    /// and Nomad.
    #[serde(with = "friendly")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::time::DurationText"))]
    pub progress_deadline: Duration,
    /// How long an instance that leaves may keep its open sessions before it is stopped anyway. Default 30 seconds.
    #[serde(with = "friendly")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::time::DurationText"))]
    pub drain_deadline: Duration,
    /// How many failed instances of the new image are tolerated; one more fails the rollout. A percentage is of the
    /// desired number and rounds down. Default 10 %.
    pub max_failures: Quantity,
    /// How many instances more than its slots may exist in one zone. A percentage is of the zone's slots and rounds up.
    /// Default no limit but `max_surge`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_surge_per_zone: Option<Quantity>,
    /// How many instances fewer than its slots may be available in one zone. A percentage is of the zone's slots and
    /// rounds down. Default no limit but `max_unavailable`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_unavailable_per_zone: Option<Quantity>,
    /// A zone is begun only when those before it, in the order of the rollout's zones, are done. Default no: instances are
    /// taken from all zones in turn.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub one_zone_at_a_time: bool,
    /// How often a slot may be tried again after an instance of the new image failed in it; one failure more fails the
    /// rollout. Default no limit but `max_failures`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_retries: Option<u32>,
    /// How long a slot rests after an instance of the new image failed in it, twice as long after each further one, and at
    /// most [`Limits::LONGEST_RETRY_DELAY`]. Default 0: a bad image is found out sooner.
    #[serde(with = "friendly", skip_serializing_if = "Duration::is_zero")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::time::DurationText"))]
    pub retry_delay: Duration,
    /// When the image counts as bad, whatever is tolerated. Default never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub poison: Option<Poison>,
    /// How fast instances may be launched. Default as fast as the other limits allow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub launch_rate: Option<LaunchRate>,
    /// How many different images may exist at once, those that are starting and stopping included. Nothing is launched
    /// that would be one more. Default no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_versions: Option<u32>,
    /// Other limits for the way back. Default the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollback: Option<RollbackLimits>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_surge: Quantity::Percent(25),
            max_unavailable: Quantity::Count(0),
            min_ready: Duration::ZERO,
            healthy_deadline: Duration::from_secs(300),
            progress_deadline: Duration::from_secs(600),
            drain_deadline: Duration::from_secs(30),
            max_failures: Quantity::Percent(10),
            max_surge_per_zone: None,
            max_unavailable_per_zone: None,
            one_zone_at_a_time: false,
            max_retries: None,
            retry_delay: Duration::ZERO,
            poison: None,
            launch_rate: None,
            max_versions: None,
            rollback: None,
        }
    }
}

impl Limits {
    /// No slot rests longer than this after a failure.
    pub const LONGEST_RETRY_DELAY: Duration = Duration::from_secs(300);

    /// The limits in numbers for a fleet of this size.
    ///
    /// # Errors
    /// [`LimitsError`] names the fields that contradict each other.
    pub fn budget(&self, desired: u32) -> Result<Budget, LimitsError> {
        if desired > Budget::MAX_DESIRED {
            return Err(LimitsError::TooMany { desired, most: Budget::MAX_DESIRED });
        }
        if self.progress_deadline <= self.healthy_deadline.saturating_add(self.min_ready) {
            return Err(LimitsError::ProgressDeadline {
                progress_deadline: self.progress_deadline,
                healthy_deadline: self.healthy_deadline,
                min_ready: self.min_ready,
            });
        }
        let zeros = [
            (self.poison.is_some_and(|poison| poison.failures == 0), "poison.failures"),
            (self.poison.is_some_and(|poison| poison.zones == 0), "poison.zones"),
            (self.launch_rate.is_some_and(|rate| rate.burst == 0), "launch_rate.burst"),
            (self.max_versions == Some(0), "max_versions"),
        ];
        if let Some((_, field)) = zeros.into_iter().find(|(is_zero, _)| *is_zero) {
            return Err(LimitsError::Zero { field });
        }
        if self.healthy_deadline.is_zero() {
            let so = "every instance would count as broken at its launch";
            return Err(LimitsError::NoTime { field: "healthy_deadline", so, such_as: "5m" });
        }
        if self.launch_rate.is_some_and(|rate| rate.every.is_zero()) {
            let so = "launch_rate would limit nothing";
            return Err(LimitsError::NoTime { field: "launch_rate.every", so, such_as: "10s" });
        }
        self.check_progress(desired)?;
        budget("", self.max_surge, self.max_unavailable, desired)
    }

    /// Checks that what may take long by these limits does not count as a stuck rollout.
    fn check_progress(&self, desired: u32) -> Result<(), LimitsError> {
        let Self { progress_deadline, drain_deadline, launch_rate, .. } = *self;
        // As many as the burst need not wait.
        let every = launch_rate.filter(|rate| rate.burst < desired).map_or(Duration::ZERO, |rate| rate.every);
        let slowest = [
            ("drain_deadline", drain_deadline, "a single instance that drains for so long"),
            ("launch_rate.every", every, "waiting for the next launch"),
        ];
        match slowest.into_iter().find(|(_, value, _)| *value >= progress_deadline) {
            Some((field, value, waits)) => {
                Err(LimitsError::SlowerThanProgress { field, value, progress_deadline, waits })
            }
            None => Ok(()),
        }
    }

    /// The limits of the way back in numbers for a fleet of this size.
    ///
    /// # Errors
    /// [`LimitsError`] names the fields that contradict each other.
    pub fn rollback_budget(&self, desired: u32) -> Result<Budget, LimitsError> {
        match &self.rollback {
            Some(limits) => budget("rollback.", limits.max_surge, limits.max_unavailable, desired),
            None => self.budget(desired),
        }
    }

    /// The limits of one zone that has so many of the desired slots.
    #[must_use]
    pub fn zone_budget(&self, slots: u32) -> ZoneBudget {
        let surge = self.max_surge_per_zone.map_or(u32::MAX, |surge| surge.round_up(slots));
        let unavailable = self.max_unavailable_per_zone.map_or(slots, |missing| missing.round_down(slots));
        ZoneBudget { max_total: slots.saturating_add(surge), min_available: slots - unavailable.min(slots) }
    }

    /// Whether any limit looks at single zones.
    #[must_use]
    pub const fn has_zone_limits(&self) -> bool {
        self.max_surge_per_zone.is_some() || self.max_unavailable_per_zone.is_some()
    }

    /// Checks that in each of so many zones something can be replaced within these numbers, and that an image can fail in as
    /// many of them as make it a bad one.
    ///
    /// # Errors
    /// [`LimitsError::ZoneZero`], [`LimitsError::PoisonZones`].
    pub fn check_zones(&self, budget: &Budget, zones: u32) -> Result<(), LimitsError> {
        if let Some(Poison { zones: asked, .. }) = self.poison.filter(|poison| poison.zones > zones.max(1)) {
            return Err(LimitsError::PoisonZones { zones: asked, most: zones.max(1) });
        }
        for zone in 0..zones.max(1) {
            let size = budget.slots_in_zone(zone, zones);
            let limit = self.zone_budget(size);
            let surges = budget.max_surge > 0 && limit.max_total > size;
            let shrinks = budget.max_unavailable > 0 && limit.min_available < size;
            if size > 0 && !surges && !shrinks {
                let text = |limit: Option<Quantity>, instances: u32| {
                    limit.map_or_else(|| "unlimited".to_owned(), |_| instances.to_string())
                };
                return Err(LimitsError::ZoneZero {
                    scope: "",
                    size,
                    max_surge: budget.max_surge,
                    max_surge_per_zone: text(self.max_surge_per_zone, limit.max_total.saturating_sub(size)),
                    max_unavailable: budget.max_unavailable,
                    max_unavailable_per_zone: text(self.max_unavailable_per_zone, size - limit.min_available),
                });
            }
        }
        Ok(())
    }
}

fn budget(
    scope: &'static str,
    max_surge: Quantity,
    max_unavailable: Quantity,
    desired: u32,
) -> Result<Budget, LimitsError> {
    let surge = max_surge.round_up(desired);
    let unavailable = max_unavailable.round_down(desired).min(desired);
    let literally_zero = max_surge.round_up(100) == 0 && max_unavailable.round_up(100) == 0;
    if literally_zero || (desired > 0 && surge == 0 && unavailable == 0) {
        return Err(LimitsError::BothZero { scope, max_surge, max_unavailable, desired });
    }
    Ok(Budget::new(desired, surge, unavailable))
}
