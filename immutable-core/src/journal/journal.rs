use std::sync::Arc;

use super::{Commit, Created, Decided, Fold, JournalError, JournalStore, Key, Reading, StoreError, Subject};
use crate::fleet::Snapshot;
use crate::id::{RolloutId, WriterId};
use crate::planner::{IllegalTransition, RolloutState};
use crate::time::Timestamp;

/// A journal that one writer reads and appends to. That of a rollout, unless another [`Subject`] is named.
///
/// The log is the lock: a commit goes to the number after the last one that this writer has read, so of two writers
/// only one succeeds, and the other learns that its picture is old before it acts on it.
#[derive(Debug)]
pub struct Journal<S: Subject = RolloutState> {
    store: Arc<dyn JournalStore>,
    writer: WriterId,
    fold: Fold<S>,
    pending: Vec<S::Record>,
}

impl<S: Subject> Journal<S> {
    /// Reads a whole journal, whatever it is about; an absent one is empty.
    ///
    /// # Errors
    /// [`JournalError`]; nothing is changed.
    pub async fn read(
        store: Arc<dyn JournalStore>,
        rollout: RolloutId,
        writer: WriterId,
    ) -> Result<Self, JournalError> {
        let mut journal = Self { store, writer, fold: Fold::empty(rollout.clone()), pending: Vec::new() };
        let keys = journal.store.list(&rollout).await.map_err(|source| journal.unreachable(source))?;
        if let Some(last) = keys.last() {
            while journal.fold.len() < last.seq() {
                if !journal.read_next().await? {
                    let key = journal.next_key();
                    let reason = "it is missing, though later ones are there".to_owned();
                    return Err(JournalError::Damaged { key, reason });
                }
            }
        }
        Ok(journal)
    }

    /// The state, once the journal has begun. Includes what was recorded and is not committed yet.
    #[must_use]
    pub const fn state(&self) -> Option<&S> {
        self.fold.state()
    }

    /// The fold of what was read and written.
    #[must_use]
    pub const fn fold(&self) -> &Fold<S> {
        &self.fold
    }

    /// Whether something was recorded and is not committed yet.
    #[must_use]
    pub fn is_dirty(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Records something in the state; it is not committed before [`commit`](Self::commit).
    ///
    /// # Errors
    /// [`IllegalTransition`]; the journal must then be loaded anew.
    pub fn record(&mut self, record: S::Record, at: Timestamp) -> Result<(), IllegalTransition> {
        self.fold.record(&record, at)?;
        self.pending.push(record);
        Ok(())
    }

    /// Claims the rollout for this writer, fencing out every earlier one.
    ///
    /// # Errors
    /// [`IllegalTransition`] before the journal was opened.
    pub fn claim(&mut self, at: Timestamp) -> Result<(), IllegalTransition> {
        let epoch = self.fold.claim().map_or(0, |(_, epoch)| epoch) + 1;
        self.record(S::claiming(self.writer.clone(), epoch), at)
    }

    /// Commits what was recorded, whole or not at all; returns its number and records. Does nothing if nothing was.
    ///
    /// May be called again after [`JournalError::Store`]: if the write had gone through after all, it is recognised.
    ///
    /// # Errors
    /// [`JournalError::Superseded`] or [`JournalError::Moved`] when somebody else wrote first: nothing was committed, what
    /// was recorded is dropped, and the state is that of the journal as it is now.
    pub async fn commit(&mut self, reading: &Reading) -> Result<Option<(u64, Vec<S::Record>)>, JournalError> {
        if self.pending.is_empty() {
            return Ok(None);
        }
        let commit = Commit {
            seq: self.fold.len() + 1,
            prev: self.fold.head(),
            writer: self.writer.clone(),
            epoch: self.fold.claim().map_or(0, |(_, epoch)| epoch),
            clock: reading.clock.clone(),
            at: reading.at,
            records: std::mem::take(&mut self.pending),
        };
        let (bytes, digest) = commit.encode();
        let key = self.next_key();
        let created = match self.store.create_if_absent(&key, &bytes).await {
            // Our own write, whose answer was lost?
            Ok(Created::AlreadyExists) => match self.store.get(&key).await {
                Ok(stored) => seeded!(ConflictIsOurs) || stored.as_deref() == Some(&bytes),
                Err(source) => {
                    self.pending = commit.records;
                    return Err(self.unreachable(source));
                }
            },
            Ok(Created::Yes) => true,
            Err(source) => {
                seeded!(LostWriteStays => return Err(self.unreachable(source)));
                self.pending = commit.records;
                return Err(self.unreachable(source));
            }
        };
        if created {
            self.fold.advance(digest, reading, &commit.records);
            return Ok(Some((commit.seq, commit.records)));
        }
        // The state has them until it is read anew; if that fails, they must not pass for committed.
        self.pending = commit.records;
        Err(self.reload().await?)
    }

    /// Takes in what others have written since, and says so.
    ///
    /// # Errors
    /// As for [`commit`](Self::commit).
    pub async fn catch_up(&mut self) -> Result<(), JournalError> {
        let stored = self.store.get(&self.next_key()).await.map_err(|source| self.unreachable(source))?;
        if stored.is_some() { Err(self.reload().await?) } else { Ok(()) }
    }

    /// Reads everything again and tells what that means for this writer.
    async fn reload(&mut self) -> Result<JournalError, JournalError> {
        let rollout = self.fold.rollout().clone();
        *self = Self::read(Arc::clone(&self.store), rollout.clone(), self.writer.clone()).await?;
        Ok(match self.fold.claim() {
            Some((by, epoch)) if *by != self.writer => {
                JournalError::Superseded { rollout, by: by.clone(), epoch }
            }
            _ => JournalError::Moved { rollout },
        })
    }

    async fn read_next(&mut self) -> Result<bool, JournalError> {
        let key = self.next_key();
        let stored = self.store.get(&key).await.map_err(|source| self.unreachable(source))?;
        let Some(bytes) = stored else { return Ok(false) };
        let (commit, digest) =
            Commit::read(&bytes).map_err(|reason| JournalError::Damaged { key, reason })?;
        self.fold.apply(&commit, digest)?;
        Ok(true)
    }

    fn next_key(&self) -> Key {
        Key::new(self.fold.rollout().clone(), self.fold.len() + 1)
    }

    fn unreachable(&self, source: StoreError) -> JournalError {
        JournalError::Store { rollout: self.fold.rollout().clone(), source }
    }
}

impl Journal {
    /// Reads the whole journal of a rollout; an absent one is empty.
    ///
    /// # Errors
    /// [`JournalError`]; nothing is changed.
    pub async fn load(
        store: Arc<dyn JournalStore>,
        rollout: RolloutId,
        writer: WriterId,
    ) -> Result<Self, JournalError> {
        Self::read(store, rollout, writer).await
    }
}

/// What a turn of a controller adds to the journal of a rollout.
impl Journal {
    /// Records what a look at the fleet shows; see [`Fold::observe`].
    ///
    /// # Errors
    /// [`IllegalTransition`]; the journal must then be loaded anew.
    pub fn observe(&mut self, snapshot: &Snapshot, now: Timestamp) -> Result<(), IllegalTransition> {
        self.pending.extend(self.fold.observe(snapshot, now)?);
        Ok(())
    }

    /// Records what time alone has changed; see [`Fold::fall_due`].
    ///
    /// # Errors
    /// [`IllegalTransition`]; the journal must then be loaded anew.
    pub fn fall_due(&mut self, now: Timestamp) -> Result<(), IllegalTransition> {
        self.pending.extend(self.fold.fall_due(now)?);
        Ok(())
    }

    /// Records what is to be done now; see [`Fold::decide`].
    ///
    /// # Errors
    /// [`IllegalTransition`]; the journal must then be loaded anew.
    pub fn decide(&mut self, now: Timestamp) -> Result<Decided, IllegalTransition> {
        let (records, decided) = self.fold.decide(now)?;
        self.pending.extend(records);
        Ok(decided)
    }
}
