use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use super::ControllerError;
use crate::digest::Digest;
use crate::id::{GateName, RolloutId, WriterId};
use crate::journal::{Control, Journal, JournalError, JournalStore, Record};
use crate::limits::Limits;
use crate::plan::Seat;
use crate::time::Timestamp;

/// Speaks to a controller in the same process. Clones speak to the same one.
///
/// What is said takes effect once the controller has committed it; said after the end it has no effect.
#[derive(Clone, Debug, Default)]
pub struct ControlHandle {
    queue: Arc<Mutex<VecDeque<Control>>>,
    wake: Arc<Notify>,
}

impl ControlHandle {
    /// Begin nothing new until resumed.
    pub fn pause(&self) {
        self.send(Control::Pause);
    }

    /// Go on after a pause.
    pub fn resume(&self) {
        self.send(Control::Resume);
    }

    /// Let a gate pass that needs a person.
    pub fn approve(&self, name: GateName) {
        self.send(Control::Approve { name });
    }

    /// Finish what was begun and leave the fleet as it is then.
    pub fn abort(&self) {
        self.send(Control::Abort);
    }

    /// Go back to the previous image.
    pub fn rollback(&self) {
        self.send(Control::Rollback);
    }

    /// Have another number of instances; see [`Control::Resize`].
    pub fn resize(&self, desired: u32) {
        self.send(Control::Resize { desired });
    }

    /// Bring another image; see [`Control::Retarget`].
    pub fn retarget(&self, target: Digest) {
        self.send(Control::Retarget { target });
    }

    /// Keep other limits from now on.
    pub fn limits(&self, limits: Limits) {
        self.send(Control::Limits { limits: Box::new(limits) });
    }

    /// Replace this member, soon.
    pub fn replace(&self, seat: Seat) {
        self.send(Control::Replace { seat });
    }

    /// Says this.
    pub fn send(&self, control: Control) {
        // Every change of the queue is one call, so a panic elsewhere cannot leave it half changed.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).push_back(control);
        self.wake.notify_one();
    }

    pub(super) fn take(&self) -> VecDeque<Control> {
        std::mem::take(&mut *self.queue.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) async fn said(&self) {
        self.wake.notified().await;
    }
}

/// Says something to a rollout that another process runs, through its journal. The controller sees it at its next
/// commit or poll. It takes over nothing.
///
/// # Errors
/// [`ControllerError::Journal`] when there is no such rollout or its journal cannot be written.
pub async fn send_control(
    store: Arc<dyn JournalStore>,
    rollout: &RolloutId,
    writer: WriterId,
    control: Control,
    now: Timestamp,
) -> Result<(), ControllerError> {
    let mut journal = Journal::load(store, rollout.clone(), writer).await?;
    loop {
        match journal.state() {
            None => return Err(JournalError::NotFound { rollout: rollout.clone() }.into()),
            Some(state) if state.conclusion().is_some() => return Ok(()),
            Some(_) => journal.record(Record::Control(control.clone()), now)?,
        }
        match journal.commit(now).await {
            Ok(_) => return Ok(()),
            // The controller was quicker; this writer has no claim to lose.
            Err(JournalError::Moved { .. } | JournalError::Superseded { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
