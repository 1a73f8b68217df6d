use std::net::IpAddr;
use std::time::Duration;

use immutable_core::InstanceId;
use immutable_core::fleet::Health;
use tokio::task::AbortHandle;
use tokio::time::Instant;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
    /// The state is known from an event that no list has confirmed yet.
    pub(crate) told: Option<Told>,
    pub(crate) probe: Option<RunningProbe>,
}

impl Entry {
    pub(crate) const fn new(state: RowState) -> Self {
        Self { state, health: Health::Unknown, listed: false, told: None, probe: None }
    }

    /// Takes over a new state, which ends everything known of the one before.
    pub(crate) fn enter(&mut self, state: RowState, health: Health) {
        self.state = state;
        self.health = health;
        self.told = None;
        self.probe = None;
    }

    /// Takes over a new state from an event.
    pub(crate) fn be_told(&mut self, state: RowState, health: Health) {
        self.enter(state, health);
        self.told = Some(Told { at: Instant::now(), denied: false });
    }

    /// Whether a list shows less of the container, or nothing, than an event told before.
    pub(crate) fn is_ahead_of(&mut self, listed: Option<RowState>) -> bool {
        let Some(told) = &mut self.told else { return false };
        let ahead = listed.is_none_or(|listed| listed < self.state) && told.at.elapsed() < LAG;
        told.denied |= ahead;
        ahead
    }
}

/// How long an event counts for more than lists that were asked for later. Docker 20.10 tells the end of a container
/// a few milliseconds before it lists it as ended.
const LAG: Duration = Duration::from_secs(2);

/// An event that no list has confirmed.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) at: Instant,
    /// A list that was asked for after the event still showed the state before it.
    pub(crate) denied: bool,
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
