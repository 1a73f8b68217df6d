use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::id::{Attempt, InstanceId, RolloutId, Slot, Token, Zone};
use crate::time::Timestamp;

/// One instance as its platform shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Instance {
    /// The platform's identifier.
    pub id: InstanceId,
    /// Digest of the image it runs, as the platform reports it, never as a label claims.
    pub image: Digest,
    /// Where it runs.
    pub zone: Zone,
    /// What it is doing.
    pub phase: Phase,
    /// When the platform started it.
    pub launched_at: Timestamp,
    /// Where it takes requests, once known.
    pub endpoint: Option<SocketAddr>,
    /// Who launched it, from its labels; `None` if it was not launched by this library.
    pub origin: Option<Origin>,
}

/// Which launch an instance came from, as its labels say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// The rollout.
    pub rollout: RolloutId,
    /// The slot.
    pub slot: Slot,
    /// The attempt in that slot.
    pub attempt: Attempt,
    /// The launch token.
    pub token: Token,
}

/// What an instance is doing. Phases only move forward, but for [`Health`] while it runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Phase {
    /// Being started; not serving yet.
    Launching,
    /// Started.
    Running(Health),
    /// Told to stop, and stopping.
    Stopping,
    /// Ended by itself or by somebody, still listed by the platform.
    Stopped {
        /// How it ended, for people: an exit code, a reason.
        reason: String,
    },
}

/// Whether a running instance can serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// Not known (yet, or any more). Never counted as able to serve.
    Unknown,
    /// It answers its health check.
    Ready,
    /// It fails its health check.
    Unready,
}

impl Instance {
    /// An instance without endpoint and origin.
    #[must_use]
    pub const fn new(
        id: InstanceId,
        image: Digest,
        zone: Zone,
        phase: Phase,
        launched_at: Timestamp,
    ) -> Self {
        Self { id, image, zone, phase, launched_at, endpoint: None, origin: None }
    }

    /// Whether it runs and answers its health check.
    #[must_use]
    pub const fn is_ready(&self) -> bool {
        matches!(self.phase, Phase::Running(Health::Ready))
    }
}
