use std::time::Duration;

use immutable_core::fleet::RouteChange;
use immutable_core::{InstanceId, Timestamp};

/// A call of a router.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RouterOperation {
    /// `Router::observe`.
    Observe,
    /// `Router::apply`; counted by change.
    Apply,
}

/// One change that was applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// When.
    pub at: Timestamp,
    /// The change.
    pub change: RouteChange,
    /// Whether it made a difference.
    pub effective: bool,
    /// For how long the instance had been ready by then; `None` if it was not ready, or no fleet is known.
    pub ready_for: Option<Duration>,
}

/// Traffic was given to an instance that was not ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misrouted {
    /// When.
    pub at: Timestamp,
    /// The instance.
    pub instance: InstanceId,
}

/// Requests that failed because their instance went away under them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// When.
    pub at: Timestamp,
    /// The instance.
    pub instance: InstanceId,
    /// How many requests it had.
    pub sessions: u32,
    /// Whether it was still getting new ones.
    pub serving: bool,
    /// What took it away.
    pub cause: CutCause,
}

/// What took an instance away from its requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CutCause {
    /// Somebody asked the fleet to terminate it.
    Terminated,
    /// It ended by itself.
    Died,
    /// The router was asked to forget it.
    Detached,
}
