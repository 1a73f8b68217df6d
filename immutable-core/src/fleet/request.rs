use crate::digest::Digest;
use crate::id::{Attempt, InstanceId, RolloutId, Slot, Token, Zone};

/// One instance to launch.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LaunchRequest {
    /// The idempotency token; recorded on the instance.
    pub token: Token,
    /// The rollout that launches; recorded on the instance.
    pub rollout: RolloutId,
    /// The slot; recorded on the instance.
    pub slot: Slot,
    /// The attempt; recorded on the instance.
    pub attempt: Attempt,
    /// Where to launch.
    pub zone: Zone,
    /// What to launch, by content.
    pub image: Digest,
}

impl LaunchRequest {
    /// The request for this attempt in this slot; the token follows from it.
    #[must_use]
    pub fn new(rollout: RolloutId, slot: Slot, attempt: Attempt, zone: Zone, image: Digest) -> Self {
        Self { token: Token::of(&rollout, slot, attempt), rollout, slot, attempt, zone, image }
    }
}

/// What came of one [`LaunchRequest`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launched {
    /// The instance with the token of the request; not necessarily ready.
    pub instance: InstanceId,
}

/// One instance to warn that it will be stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DrainRequest {
    /// The instance.
    pub instance: InstanceId,
}

impl DrainRequest {
    /// The request for this instance.
    #[must_use]
    pub const fn new(instance: InstanceId) -> Self {
        Self { instance }
    }
}

/// One instance to stop and remove.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TerminateRequest {
    /// The instance.
    pub instance: InstanceId,
}

impl TerminateRequest {
    /// The request for this instance.
    #[must_use]
    pub const fn new(instance: InstanceId) -> Self {
        Self { instance }
    }
}

/// Proof that an instance is gone: the platform was asked for it by its identifier after the termination and does not
/// have it (or will never run it again).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terminated {
    /// The instance.
    pub instance: InstanceId,
}
