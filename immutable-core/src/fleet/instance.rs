use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::id::{Attempt, InstanceId, RolloutId, Slot, Token, Zone};
use crate::time::Timestamp;

/// One instance as its platform shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub endpoint: Option<SocketAddr>,
    /// Who launched it, from its labels; `None` if it was not launched by this library.
    pub origin: Option<Origin>,
    /// What sets it apart.
    #[serde(default, skip_serializing_if = "Standing::is_plain")]
    pub standing: Standing,
}

/// What sets an instance apart from the others of its fleet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Standing {
    /// Somebody protects it from being stopped.
    pub protected: bool,
    /// It was taken out of service by somebody and stands by.
    pub standby: bool,
    /// It leads the others, so it is replaced last.
    pub leader: bool,
    /// Its slot owns a volume: there is never more than one instance of it, and its successor stands in the same zone.
    pub volume: bool,
}

impl Standing {
    /// Nothing sets it apart.
    pub const PLAIN: Self = Self { protected: false, standby: false, leader: false, volume: false };

    /// Whether nothing sets it apart.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        *self == Self::PLAIN
    }
}

/// Which launch an instance came from, as its labels say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
        Self { id, image, zone, phase, launched_at, endpoint: None, origin: None, standing: Standing::PLAIN }
    }

    /// Whether it runs and answers its health check.
    #[must_use]
    pub const fn is_ready(&self) -> bool {
        matches!(self.phase, Phase::Running(Health::Ready))
    }
}
