use super::checkpoint::Checkpoint;
use super::timeline::Timeline;
use super::{Commit, JournalError, Key, Reading, Subject};
use crate::digest::Digest;
use crate::id::{RolloutId, WriterId};
use crate::planner::{IllegalTransition, RolloutState};
use crate::time::{Skew, Timestamp};

/// The pure fold of a journal: commits in, state out. Of a rollout's, unless another [`Subject`] is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fold<S: Subject = RolloutState> {
    rollout: RolloutId,
    state: Option<S>,
    plan: Option<Digest>,
    len: u64,
    head: Option<Digest>,
    claim: Option<(WriterId, u64)>,
    timeline: Timeline,
    /// What another clock dates than the one that tells the time, until it is taken up.
    unheard: Vec<S::Record>,
}

impl Fold {
    /// The fold of no commits of a rollout.
    #[must_use]
    pub const fn new(rollout: RolloutId) -> Self {
        Self::empty(rollout)
    }
}

impl<S: Subject> Fold<S> {
    /// The fold of no commits.
    #[must_use]
    pub const fn empty(rollout: RolloutId) -> Self {
        Self {
            rollout,
            state: None,
            plan: None,
            len: 0,
            head: None,
            claim: None,
            timeline: Timeline::new(),
            unheard: Vec::new(),
        }
    }

    /// The rollout, or whatever the journal is about.
    #[must_use]
    pub const fn rollout(&self) -> &RolloutId {
        &self.rollout
    }

    /// The state, once the journal has begun.
    #[must_use]
    pub const fn state(&self) -> Option<&S> {
        self.state.as_ref()
    }

    /// Digest of the plan that was approved.
    #[must_use]
    pub const fn plan(&self) -> Option<Digest> {
        self.plan
    }

    /// How many commits were folded.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether none was.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Digest of the last commit.
    #[must_use]
    pub const fn head(&self) -> Option<Digest> {
        self.head
    }

    /// Who claimed the rollout last, and their epoch.
    #[must_use]
    pub fn claim(&self) -> Option<(&WriterId, u64)> {
        self.claim.as_ref().map(|(writer, epoch)| (writer, *epoch))
    }

    /// When it is in this journal, by what a clock shows: what each record is dated with. Never before the last commit.
    ///
    /// The clock that wrote first tells it, then that of whoever claimed it last, which goes on from the last commit: it does
    /// not matter how far clocks are apart, and what nobody measured has not passed. By any other clock it is as late as
    /// at the last commit.
    #[must_use]
    pub fn time(&self, reading: &Reading) -> Timestamp {
        self.timeline.time(reading)
    }

    /// How far the clock that tells the time of this journal is ahead of it.
    #[must_use]
    pub fn skew(&self) -> Skew {
        self.timeline.skew()
    }

    /// Whether something was said by another clock than that which tells the time. Nobody knows when, so it has no effect
    /// before whoever runs the rollout takes it up: a deadline or a bake that ran from its date would be too long.
    #[must_use]
    pub const fn has_unheard(&self) -> bool {
        !self.unheard.is_empty()
    }

    /// Takes in the next commit.
    ///
    /// # Errors
    /// [`JournalError::Damaged`] when it does not follow the last one, [`JournalError::Illegal`] when it says something
    /// impossible. The fold is of no use after an error.
    pub fn apply(&mut self, commit: &Commit<S::Record>, digest: Digest) -> Result<(), JournalError> {
        let key = || Key::new(self.rollout.clone(), self.len + 1);
        if commit.seq != self.len + 1 || commit.prev != self.head {
            let reason = format!("it does not follow commit {}", self.len);
            return Err(JournalError::Damaged { key: key(), reason });
        }
        let reading = commit.reading();
        let at = self.time(&reading);
        let claims = commit.records.iter().any(|record| S::claim(record).is_some());
        if S::TIMED && !claims && self.timeline.is_foreign(&reading) {
            self.unheard.extend_from_slice(&commit.records);
        } else if let Err(source) = commit.records.iter().try_for_each(|record| self.record(record, at)) {
            let key = Key::new(self.rollout.clone(), commit.seq);
            return Err(JournalError::Illegal { key, source });
        }
        self.advance(digest, &reading, &commit.records);
        Ok(())
    }

    /// Takes in one record, without a commit around it: for observers that follow the events of a controller, which
    /// carry the records of its journal in their order.
    ///
    /// # Errors
    /// [`IllegalTransition`]; the fold is of no use after it.
    pub fn record(&mut self, record: &S::Record, at: Timestamp) -> Result<(), IllegalTransition> {
        if let Some((writer, epoch)) = S::claim(record) {
            let next = self.claim.as_ref().map_or(0, |(_, epoch)| *epoch) + 1;
            if epoch != next {
                return Err(IllegalTransition::new(format!(
                    "epoch {epoch} was claimed where {next} is next"
                )));
            }
            self.claim = Some((writer.clone(), epoch));
            return Ok(());
        }
        if let Some(state) = &mut self.state {
            state.take(record, at)?;
            if S::takes_up(record) {
                let unheard = std::mem::take(&mut self.unheard);
                return unheard.iter().try_for_each(|record| state.take(record, at));
            }
            return Ok(());
        }
        let (state, plan) = S::open(&self.rollout, record, at)?;
        (self.state, self.plan) = (Some(state), Some(plan));
        Ok(())
    }

    /// A checkpoint: all of this fold, to be stored under [`Key::checkpoint`] of its last commit. `None` where there is
    /// nothing to store, something is still to be taken up, or journals of this kind are always read from their beginning.
    #[must_use]
    pub fn freeze(&self) -> Option<Vec<u8>> {
        if self.has_unheard() {
            return None;
        }
        let state = self.state.as_ref()?.freeze()?;
        let mut checkpoint =
            Checkpoint::new(self.rollout.clone(), self.len, self.head?, self.timeline.clone());
        (checkpoint.plan, checkpoint.claim) = (self.plan, self.claim.clone());
        Some(checkpoint.encode(&state))
    }

    /// The fold that was frozen. Whether the journal is still the one that it was made of, [`head`](Self::head) tells.
    ///
    /// # Errors
    /// Why it is of no use, in words.
    pub fn thaw(rollout: RolloutId, bytes: &[u8]) -> Result<Self, String> {
        let (checkpoint, state) = Checkpoint::decode(bytes)?;
        let Checkpoint { seq, commit, plan, claim, timeline, .. } = checkpoint;
        if checkpoint.rollout != rollout {
            return Err(format!("it is one of rollout {}", checkpoint.rollout));
        }
        let state = Some(S::thaw(state)?);
        let unheard = Vec::new();
        Ok(Self { rollout, state, plan, len: seq, head: Some(commit), claim, timeline, unheard })
    }

    /// The commit that was being written is stored.
    pub(super) fn advance(&mut self, digest: Digest, reading: &Reading, records: &[S::Record]) {
        self.len += 1;
        self.head = Some(digest);
        let claims = records.iter().any(|record| S::claim(record).is_some());
        self.timeline.go_on(reading, claims);
        if claims && let Some(state) = &mut self.state {
            state.run_by(self.timeline.skew());
        }
    }
}
