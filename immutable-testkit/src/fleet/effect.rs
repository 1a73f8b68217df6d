use immutable_core::fleet::Origin;
use immutable_core::{Digest, InstanceId, Timestamp, Zone};

/// One thing that happened to a fleet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: EffectKind,
}

/// What happened to a fleet.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EffectKind {
    /// A request launched an instance.
    Launched {
        /// The new instance.
        instance: InstanceId,
        /// Token, rollout, slot and attempt of the request.
        origin: Origin,
        /// Where.
        zone: Zone,
        /// What.
        image: Digest,
    },
    /// A request carried a token that had launched this instance before; nothing was launched.
    Repeated {
        /// The instance of the earlier launch.
        instance: InstanceId,
        /// Token, rollout, slot and attempt of the request.
        origin: Origin,
    },
    /// An instance was told that it will be stopped.
    Drained {
        /// The instance.
        instance: InstanceId,
    },
    /// A request began to stop an instance.
    Stopping {
        /// The instance.
        instance: InstanceId,
    },
    /// An instance is gone after a request.
    Terminated {
        /// The instance.
        instance: InstanceId,
    },
    /// An instance ended without a request.
    Died {
        /// The instance.
        instance: InstanceId,
        /// How.
        reason: String,
    },
}

impl EffectKind {
    /// The instance that it happened to.
    #[must_use]
    pub const fn instance(&self) -> &InstanceId {
        match self {
            Self::Launched { instance, .. }
            | Self::Repeated { instance, .. }
            | Self::Drained { instance }
            | Self::Stopping { instance }
            | Self::Terminated { instance }
            | Self::Died { instance, .. } => instance,
        }
    }
}
