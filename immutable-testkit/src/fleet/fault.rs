use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use immutable_core::FleetId;
use immutable_core::error::Retry;
use immutable_core::fleet::FleetError;
use serde::{Deserialize, Serialize};

/// A call of a fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Operation {
    /// `Fleet::observe`.
    Observe,
    /// `Fleet::check`.
    Check,
    /// `Fleet::launch`; counted by request.
    Launch,
    /// `Fleet::drain`; counted by request.
    Drain,
    /// `Fleet::terminate`; counted by request.
    Terminate,
}

impl Operation {
    const fn action(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Check => "check",
            Self::Launch => "launch",
            Self::Drain => "drain",
            Self::Terminate => "terminate",
        }
    }
}

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// The platform has no capacity. No effect.
    NoCapacity,
    /// The platform refuses for good. No effect.
    Invalid,
    /// The request did not reach the platform; another try can help. No effect.
    Platform,
    /// The platform asks to come back after this time. No effect.
    Throttled(Duration),
    /// The platform did it, but the answer got lost: looks like [`Failure::Platform`].
    Lost,
}

impl Failure {
    /// Whether the platform did what it was asked all the same.
    pub(super) const fn has_effect(self) -> bool {
        matches!(self, Self::Lost)
    }

    pub(super) fn error(self, fleet: &FleetId, operation: Operation) -> FleetError {
        let fleet = fleet.clone();
        let platform = |retry, text: &str| FleetError::Platform {
            fleet: fleet.clone(),
            action: operation.action(),
            retry,
            source: text.into(),
        };
        match self {
            Self::NoCapacity => FleetError::NoCapacity { fleet, reason: "injected: no capacity".to_owned() },
            Self::Invalid => FleetError::Invalid { fleet, reason: "injected: refused".to_owned() },
            Self::Platform => platform(Retry::Backoff, "injected: not reached"),
            Self::Throttled(pause) => platform(Retry::After(pause), "injected: too many requests"),
            Self::Lost => platform(Retry::Backoff, "injected: no answer"),
        }
    }
}

/// Failures that wait for their calls, in order of injection.
#[derive(Debug)]
pub(super) struct Faults {
    queued: BTreeMap<Operation, VecDeque<(u32, Failure)>>,
}

impl Faults {
    pub(super) const fn new() -> Self {
        Self { queued: BTreeMap::new() }
    }

    pub(super) fn add(&mut self, operation: Operation, times: u32, failure: Failure) {
        if times > 0 {
            self.queued.entry(operation).or_default().push_back((times, failure));
        }
    }

    pub(super) fn clear(&mut self) {
        self.queued.clear();
    }

    /// The failure of the next call of this kind, if it is to fail.
    pub(super) fn take(&mut self, operation: Operation) -> Option<Failure> {
        let queue = self.queued.get_mut(&operation)?;
        let (left, failure) = queue.front_mut()?;
        let failure = *failure;
        *left -= 1;
        if *left == 0 {
            queue.pop_front();
        }
        Some(failure)
    }
}
