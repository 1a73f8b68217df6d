use std::time::Duration;

use jiff::fmt::serde::unsigned_duration::friendly::compact::required as friendly;
use serde::{Deserialize, Serialize};

use super::Budget;
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
    pub min_ready: Duration,
    /// How long an instance may take from its launch to ready, and how long a running one may be unready, before it
    /// counts as broken and is replaced. Default 5 minutes, as in Nomad.
    #[serde(with = "friendly")]
    pub healthy_deadline: Duration,
    /// How long the rollout may go without reaching more than it ever had reached. Default 10 minutes, as in Kubernetes
    /// and Nomad.
    #[serde(with = "friendly")]
    pub progress_deadline: Duration,
    /// How long an instance that leaves may keep its open sessions before it is stopped anyway. Default 30 seconds.
    #[serde(with = "friendly")]
    pub drain_deadline: Duration,
    /// How many failed instances of the new image are tolerated; one more fails the rollout. A percentage is of the
    /// desired number and rounds down. Default 10 %.
    pub max_failures: Quantity,
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
        }
    }
}

/// Limits that contradict themselves.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LimitsError {
    /// Raise one of the two: with neither an extra nor a missing instance nothing can ever be replaced.
    ///
    /// Kubernetes refuses a literal 0 and 0, but silently takes 1 unavailable where percentages round to 0 and 0
    /// (`ResolveFenceposts`); here that is an error too, because a limit that gives way is none.
    #[error(
        "max_surge {max_surge} and max_unavailable {max_unavailable} are both 0 of {desired} instances, so nothing could \
         be replaced: raise one of them"
    )]
    BothZero {
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
         min_ready {min_ready:?}: a single slow instance would count as a stuck rollout"
    )]
    ProgressDeadline {
        /// As given.
        progress_deadline: Duration,
        /// As given.
        healthy_deadline: Duration,
        /// As given.
        min_ready: Duration,
    },
}

impl Limits {
    /// The limits in numbers for a fleet of this size.
    ///
    /// # Errors
    /// [`LimitsError`] names the fields that contradict each other.
    pub fn budget(&self, desired: u32) -> Result<Budget, LimitsError> {
        if self.progress_deadline <= self.healthy_deadline + self.min_ready {
            return Err(LimitsError::ProgressDeadline {
                progress_deadline: self.progress_deadline,
                healthy_deadline: self.healthy_deadline,
                min_ready: self.min_ready,
            });
        }
        let surge = self.max_surge.round_up(desired);
        let unavailable = self.max_unavailable.round_down(desired).min(desired);
        let literally_zero = self.max_surge.round_up(100) == 0 && self.max_unavailable.round_up(100) == 0;
        if literally_zero || (desired > 0 && surge == 0 && unavailable == 0) {
            return Err(LimitsError::BothZero {
                max_surge: self.max_surge,
                max_unavailable: self.max_unavailable,
                desired,
            });
        }
        Ok(Budget::new(desired, surge, unavailable))
    }
}
