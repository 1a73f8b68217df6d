use std::sync::Arc;

use super::commit::content;
use super::{
    Commit, Created, Decided, Fold, JournalError, JournalStore, Key, Reading, StoreError, Subject, Unreadable,
};
use crate::fleet::Snapshot;
use crate::id::{RolloutId, WriterId};
use crate::planner::{IllegalTransition, RolloutState};
use crate::time::Timestamp;

/// A journal that one writer reads and appends to. That of a rollout, unless another [`Subject`] is named.
///
/// The log is the lock: a commit goes to the number after the last one that this writer has read, so of two writers
/// only one succeeds, and the other learns that its picture is old before it acts on it.
///
/// It is read from its last checkpoint on, if there is one that is whole, was written by this version of the library and
/// stands on a commit that is in the log: damage before it is found by [`audit`](Self::audit), not by reading. Without
/// one it is read from its beginning.
#[derive(Debug)]
pub struct Journal<S: Subject = RolloutState> {
    store: Arc<dyn JournalStore>,
    writer: WriterId,
    fold: Fold<S>,
    pending: Vec<S::Record>,
    /// How many records came after the last checkpoint.
    unkept: u64,
}

impl<S: Subject> Journal<S> {
    /// Reads a journal, whatever it is about; an absent one is empty.
    ///
    /// # Errors
    /// [`JournalError`]; nothing is changed.
    pub async fn read(
        store: Arc<dyn JournalStore>,
        rollout: RolloutId,
        writer: WriterId,
    ) -> Result<Self, JournalError> {
        let fold = newest_checkpoint(&*store, &rollout).await;
        let fold = fold.unwrap_or_else(|| Fold::empty(rollout));
        let mut journal = Self { store, writer, fold, pending: Vec::new(), unkept: 0 };
        journal.read_on().await?;
        Ok(journal)
    }

    /// Reads a whole journal from its first commit on, whatever checkpoints say, and returns what it comes to: finds any
    /// byte that is not what was written.
    ///
    /// # Errors
    /// [`JournalError`], which names the first commit that is damaged.
    pub async fn audit(store: Arc<dyn JournalStore>, rollout: RolloutId) -> Result<Fold<S>, JournalError> {
        #[expect(clippy::expect_used, reason = "a name of seven letters")]
        let writer = WriterId::new("auditor").expect("a writer identifier");
        let mut journal = Self { store, writer, fold: Fold::empty(rollout), pending: Vec::new(), unkept: 0 };
        journal.read_on().await?;
        Ok(journal.fold)
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
            self.unkept += commit.records.len() as u64;
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

    /// A checkpoint to be stored now, if so many records have come since the last one, and as many as there are things in
    /// it: then all checkpoints together cost no more than the records do. It is a cache: whether it is ever
    /// stored, nothing depends on.
    pub fn checkpoint(&mut self, records_at_least: u32) -> Option<(Key, Vec<u8>)> {
        let extent = self.fold.state().map_or(0, Subject::extent);
        // What is not committed yet must not be in it.
        if self.is_dirty() || self.unkept < extent.max(records_at_least.into()) {
            return None;
        }
        self.unkept = 0;
        Some((Key::checkpoint(self.fold.rollout().clone(), self.fold.len()), self.fold.freeze()?))
    }

    /// Reads all that follows what was read so far.
    async fn read_on(&mut self) -> Result<(), JournalError> {
        let keys = self.store.list(&self.next_key()).await.map_err(|source| self.unreachable(source))?;
        while let Some(last) = keys.last()
            && self.fold.len() < last.seq()
        {
            if !self.read_next().await? {
                let key = self.next_key();
                let reason = "it is missing, though later ones are there".to_owned();
                return Err(JournalError::Damaged { key, reason });
            }
        }
        Ok(())
    }

    async fn read_next(&mut self) -> Result<bool, JournalError> {
        let key = self.next_key();
        let stored = self.store.get(&key).await.map_err(|source| self.unreachable(source))?;
        let Some(bytes) = stored else { return Ok(false) };
        let (commit, digest) = Commit::read(&bytes).map_err(|unreadable| match unreadable {
            Unreadable::Damaged(reason) => JournalError::Damaged { key, reason },
            Unreadable::Newer(reason) => JournalError::Newer { key, reason },
        })?;
        self.fold.apply(&commit, digest)?;
        self.unkept += commit.records.len() as u64;
        Ok(true)
    }

    fn next_key(&self) -> Key {
        Key::new(self.fold.rollout().clone(), self.fold.len() + 1)
    }

    fn unreachable(&self, source: StoreError) -> JournalError {
        JournalError::Store { rollout: self.fold.rollout().clone(), source }
    }
}

/// The newest checkpoint that is of use. Whatever is wrong with one is no trouble: the log says all of it.
async fn newest_checkpoint<S: Subject>(store: &dyn JournalStore, rollout: &RolloutId) -> Option<Fold<S>> {
    let keys = store.list(&Key::checkpoint(rollout.clone(), 1)).await.ok()?;
    for key in keys.iter().rev() {
        if let Some(fold) = usable(store, key).await {
            return Some(fold);
        }
    }
    None
}

/// What a checkpoint says, if it stands on the commit that the log has at its place.
async fn usable<S: Subject>(store: &dyn JournalStore, key: &Key) -> Option<Fold<S>> {
    let bytes = store.get(key).await.ok()??;
    let fold = Fold::thaw(key.rollout().clone(), &bytes).ok()?;
    let commit = store.get(&Key::new(key.rollout().clone(), key.seq())).await.ok()??;
    let (_, digest) = content(&commit).ok()?;
    (fold.len() == key.seq() && fold.head() == Some(digest)).then_some(fold)
}

impl Journal {
    /// Reads the journal of a rollout; an absent one is empty.
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
