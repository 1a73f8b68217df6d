use std::fmt::Debug;

use async_trait::async_trait;

use super::Judgement;
use crate::digest::Digest;
use crate::error::{Retry, Source};
use crate::id::{GateName, InstanceId, RolloutId};
use crate::time::Timestamp;

/// What a gate may look at.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GateContext {
    /// The rollout.
    pub rollout: RolloutId,
    /// The gate that is asked.
    pub gate: GateName,
    /// Now.
    pub now: Timestamp,
    /// Since when the stage has been complete.
    pub since: Timestamp,
    /// The image that is judged.
    pub candidate: Digest,
    /// The instances that serve with it.
    pub candidates: Vec<InstanceId>,
    /// The instances that serve with any other image.
    pub others: Vec<InstanceId>,
}

impl GateContext {
    /// A context without instances.
    #[must_use]
    pub const fn new(
        rollout: RolloutId,
        gate: GateName,
        now: Timestamp,
        since: Timestamp,
        candidate: Digest,
    ) -> Self {
        Self { rollout, gate, now, since, candidate, candidates: Vec::new(), others: Vec::new() }
    }
}

/// Judges a stage of a rollout.
#[async_trait]
pub trait Gate: Debug + Send + Sync {
    /// Judges what can be seen now. Asked again while it says [`Verdict::Wait`](super::Verdict::Wait).
    ///
    /// # Errors
    /// [`GateError`]: it could not judge. That is not a verdict; the controller asks again.
    async fn evaluate(&self, context: &GateContext) -> Result<Judgement, GateError>;
}

/// Why a gate could not judge.
#[derive(Debug, thiserror::Error)]
#[error("gate {gate} could not judge")]
#[non_exhaustive]
pub struct GateError {
    /// The gate.
    pub gate: GateName,
    /// Whether another try can help.
    pub retry: Retry,
    /// Why.
    #[source]
    pub source: Source,
}

impl GateError {
    /// This gate could not judge for this reason.
    #[must_use]
    pub const fn new(gate: GateName, retry: Retry, source: Source) -> Self {
        Self { gate, retry, source }
    }
}
