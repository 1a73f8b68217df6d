use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use super::ControllerError;
use crate::digest::Digest;
use crate::id::{GateName, RolloutId, WriterId};
use crate::journal::{
    Control, Journal, JournalError, JournalStore, Reading, Record, ReleaseControl, ReleaseRecord,
    ReleaseState,
};
use crate::limits::Limits;
use crate::plan::{Plan, Seat};

/// Speaks to a controller in the same process. Clones speak to the same one.
///
/// What is said takes effect once the controller has committed it; said after the end it has no effect.
#[derive(Clone, Debug)]
pub struct ControlHandle<C = Control> {
    queue: Arc<Mutex<VecDeque<C>>>,
    wake: Arc<Notify>,
}

impl<C> Default for ControlHandle<C> {
    fn default() -> Self {
        Self { queue: Arc::default(), wake: Arc::default() }
    }
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
}

/// To a controller of releases.
impl ControlHandle<ReleaseControl> {
    /// Begin nothing new until resumed, neither a group nor inside one.
    pub fn pause(&self) {
        self.send(ReleaseControl::Pause);
    }

    /// Go on after a pause.
    pub fn resume(&self) {
        self.send(ReleaseControl::Resume);
    }

    /// Begin no further group, and leave each as it is once what was begun is finished.
    pub fn abort(&self) {
        self.send(ReleaseControl::Abort);
    }

    /// Go back with all that began.
    pub fn rollback(&self) {
        self.send(ReleaseControl::Rollback);
    }

    /// Begin a failed group anew by this plan; see [`ReleaseControl::Retry`].
    pub fn retry(&self, plan: &Plan) {
        self.send(ReleaseControl::Retry { rollout: Box::new(plan.into()) });
    }
}

impl<C> ControlHandle<C> {
    /// Says this.
    pub fn send(&self, control: C) {
        // Every change of the queue is one call, so a panic elsewhere cannot leave it half changed.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).push_back(control);
        self.wake.notify_one();
    }

    pub(super) fn take(&self) -> VecDeque<C> {
        std::mem::take(&mut *self.queue.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) async fn said(&self) {
        self.wake.notified().await;
    }
}

/// Says something to a rollout that another process runs, through its journal. The controller sees it at its next
/// commit or poll. It takes over nothing. `reading` is what [`Clock::read`](super::Clock::read) gives here and now.
///
/// # Errors
/// [`ControllerError::Journal`] when there is no such rollout or its journal cannot be written.
pub async fn send_control(
    store: Arc<dyn JournalStore>,
    rollout: &RolloutId,
    writer: WriterId,
    control: Control,
    reading: &Reading,
) -> Result<(), ControllerError> {
    let mut journal = Journal::load(store, rollout.clone(), writer).await?;
    loop {
        let now = journal.fold().time(reading);
        match journal.state() {
            None => return Err(JournalError::NotFound { rollout: rollout.clone() }.into()),
            Some(state) if state.conclusion().is_some() => return Ok(()),
            Some(_) => journal.record(Record::Control(control.clone()), now)?,
        }
        match journal.commit(reading).await {
            Ok(_) => return Ok(()),
            // The controller was quicker; this writer has no claim to lose.
            Err(JournalError::Moved { .. } | JournalError::Superseded { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Says something to a release that another process runs, through its journal. The controller sees it at its next commit
/// or poll; one that has ended sees it when it is resumed. It takes over nothing. `reading` is what
/// [`Clock::read`](super::Clock::read) gives here and now.
///
/// # Errors
/// [`ControllerError::Journal`] when there is no such release or its journal cannot be written.
pub async fn send_release_control(
    store: Arc<dyn JournalStore>,
    release: &RolloutId,
    writer: WriterId,
    control: ReleaseControl,
    reading: &Reading,
) -> Result<(), ControllerError> {
    let mut journal = Journal::<ReleaseState>::read(store, release.clone(), writer).await?;
    loop {
        if journal.state().is_none() {
            return Err(JournalError::NotFound { rollout: release.clone() }.into());
        }
        journal.record(ReleaseRecord::Control(control.clone()), journal.fold().time(reading))?;
        match journal.commit(reading).await {
            Ok(_) => return Ok(()),
            // The controller was quicker; this writer has no claim to lose.
            Err(JournalError::Moved { .. } | JournalError::Superseded { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
