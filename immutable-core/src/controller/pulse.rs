use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use crate::limits::Budget;
use crate::planner::{Direction, RolloutState};

/// What the journal of a running rollout says, as far as a release must know it. Only what is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Beat {
    pub(super) budget: Budget,
    /// Those that are intended to leave do not count any more.
    pub(super) available: u32,
    pub(super) floor: u32,
    pub(super) is_paused: bool,
    pub(super) is_ending: bool,
    pub(super) goes_back: bool,
}

/// Tells a release how the rollout of a group stands.
#[derive(Clone, Debug, Default)]
pub(super) struct Pulse {
    last: Arc<Mutex<Option<Beat>>>,
    wake: Arc<Notify>,
}

impl Pulse {
    /// One that wakes up whoever waits for this.
    pub(super) fn waking(wake: Arc<Notify>) -> Self {
        Self { last: Arc::default(), wake }
    }

    pub(super) fn beat(&self, state: &RolloutState) {
        let beat = Beat {
            budget: state.budget(),
            available: state.available(),
            floor: state.floor(),
            is_paused: state.is_paused(),
            is_ending: state.is_ending(),
            goes_back: *state.direction() != Direction::Forward,
        };
        if self.swap(Some(beat)) != Some(beat) {
            self.wake.notify_one();
        }
    }

    /// Nothing is known any more.
    pub(super) fn stop(&self) {
        self.swap(None);
    }

    /// `None` before the controller has claimed the rollout.
    pub(super) fn last(&self) -> Option<Beat> {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn swap(&self, beat: Option<Beat>) -> Option<Beat> {
        std::mem::replace(&mut *self.last.lock().unwrap_or_else(PoisonError::into_inner), beat)
    }
}
