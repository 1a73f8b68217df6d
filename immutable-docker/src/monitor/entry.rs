use std::net::IpAddr;

use immutable_core::InstanceId;
use immutable_core::fleet::Health;
use tokio::task::AbortHandle;

/// What a list of containers says about one of them.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) id: InstanceId,
    pub(crate) state: RowState,
    pub(crate) address: Option<IpAddr>,
    /// The result of the image's `HEALTHCHECK`.
    pub(crate) health: Health,
}

/// As much of a container's state as the monitor acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowState {
    /// Not started yet.
    Created,
    /// Running, so it has a health.
    Running,
    /// Ended, or about to.
    Ended,
}

/// What an event says about one container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// It was created.
    Created,
    /// It was started.
    Started,
    /// It ended.
    Ended,
    /// It was removed.
    Gone,
    /// The result of its `HEALTHCHECK` changed.
    Health(Health),
}

/// What the board knows of one container.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) state: RowState,
    pub(crate) health: Health,
    /// A list showed it with the labels of this library; an event shows no more than that it is there.
    pub(crate) listed: bool,
    pub(crate) probe: Option<RunningProbe>,
}

impl Entry {
    pub(crate) const fn new(state: RowState) -> Self {
        Self { state, health: Health::Unknown, listed: false, probe: None }
    }

    /// Takes over a new state, which ends everything known of the one before.
    pub(crate) fn enter(&mut self, state: RowState, health: Health) {
        self.state = state;
        self.health = health;
        self.probe = None;
    }
}

/// A probe task; ends when dropped.
#[derive(Debug)]
pub(crate) struct RunningProbe {
    pub(crate) address: IpAddr,
    /// Tells the reports of this task from those of its predecessors.
    pub(crate) serial: u64,
    pub(crate) task: AbortHandle,
}

impl Drop for RunningProbe {
    fn drop(&mut self) {
        self.task.abort();
    }
}
