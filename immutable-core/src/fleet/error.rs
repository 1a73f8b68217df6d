use crate::error::{Retry, Source};
use crate::id::{FleetId, InstanceId};

/// Why a fleet did not do what it was asked. Kinds are named by what the caller must do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FleetError {
    /// Change the request or the configuration: the platform will always refuse this.
    #[error("fleet {fleet}: {reason}")]
    Invalid {
        /// The fleet.
        fleet: FleetId,
        /// What is wrong, where, and the way out.
        reason: String,
    },
    /// Free or buy capacity, or wait: the platform has none now. Nothing was created.
    #[error("fleet {fleet}: no capacity: {reason}")]
    NoCapacity {
        /// The fleet.
        fleet: FleetId,
        /// What the platform said.
        reason: String,
    },
    /// Somebody else changed what belongs to this fleet; look at it and remove or repair it.
    #[error("fleet {fleet}: instance {instance}: {reason}")]
    Tampered {
        /// The fleet.
        fleet: FleetId,
        /// The instance.
        instance: InstanceId,
        /// What is not as it was written, and the way out.
        reason: String,
    },
    /// The platform failed or was not reached. The call may or may not have had its effect: repeat it, with the same
    /// token.
    #[error("fleet {fleet}: {action} failed")]
    Platform {
        /// The fleet.
        fleet: FleetId,
        /// What was tried, for example `list containers`.
        action: &'static str,
        /// Whether another try can help.
        retry: Retry,
        /// What the platform said.
        #[source]
        source: Source,
    },
}

impl FleetError {
    /// Whether the same call can succeed later.
    #[must_use]
    pub const fn retry(&self) -> Retry {
        match self {
            Self::Invalid { .. } | Self::Tampered { .. } => Retry::Never,
            Self::NoCapacity { .. } => Retry::Backoff,
            Self::Platform { retry, .. } => *retry,
        }
    }
}

/// Why a router did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RouterError {
    /// Change the configuration of the router.
    #[error("router: {reason}")]
    Invalid {
        /// What is wrong, where, and the way out.
        reason: String,
    },
    /// The router failed or was not reached; repeat the call.
    #[error("router: {action} failed")]
    Platform {
        /// What was tried.
        action: &'static str,
        /// Whether another try can help.
        retry: Retry,
        /// What the router said.
        #[source]
        source: Source,
    },
}

impl RouterError {
    /// Whether the same call can succeed later.
    #[must_use]
    pub const fn retry(&self) -> Retry {
        match self {
            Self::Invalid { .. } => Retry::Never,
            Self::Platform { retry, .. } => *retry,
        }
    }
}
