use super::{Commit, Control, Fact, Intent, JournalError, Key, Outcome, Record};
use crate::digest::Digest;
use crate::id::{RolloutId, Token, WriterId};
use crate::planner::{Conclusion, Direction, FailReason, IllegalTransition, RolloutState};
use crate::time::Timestamp;

/// The pure fold of a journal: commits in, state out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fold {
    rollout: RolloutId,
    state: Option<RolloutState>,
    plan: Option<Digest>,
    len: u64,
    head: Option<Digest>,
    claim: Option<(WriterId, u64)>,
    /// What the clock of whoever claimed the rollout showed last.
    at: Timestamp,
}

impl Fold {
    /// The fold of no commits.
    #[must_use]
    pub const fn new(rollout: RolloutId) -> Self {
        Self { rollout, state: None, plan: None, len: 0, head: None, claim: None, at: Timestamp::UNIX_EPOCH }
    }

    /// The rollout.
    #[must_use]
    pub const fn rollout(&self) -> &RolloutId {
        &self.rollout
    }

    /// The state, once the journal has begun.
    #[must_use]
    pub const fn state(&self) -> Option<&RolloutState> {
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

    /// Takes in the next commit.
    ///
    /// # Errors
    /// [`JournalError::Damaged`] when it does not follow the last one, [`JournalError::Illegal`] when it says something
    /// impossible. The fold is of no use after an error.
    pub fn apply(&mut self, commit: &Commit, digest: Digest) -> Result<(), JournalError> {
        let key = || Key::new(self.rollout.clone(), self.len + 1);
        if commit.seq != self.len + 1 || commit.prev != self.head {
            let reason = format!("it does not follow commit {}", self.len);
            return Err(JournalError::Damaged { key: key(), reason });
        }
        for record in &commit.records {
            let at = self.time_of(&commit.writer, record, commit.at);
            if let Err(source) = self.record(record, at) {
                let key = Key::new(self.rollout.clone(), commit.seq);
                return Err(JournalError::Illegal { key, source });
            }
        }
        self.advance(digest);
        Ok(())
    }

    /// When something happened by the clock that counts: that of whoever claimed the rollout. Others say things between
    /// two of its commits, and what their clocks show is of no use beside it.
    pub(super) fn time_of(&self, writer: &WriterId, record: &Record, at: Timestamp) -> Timestamp {
        let is_other = self.claim.as_ref().is_some_and(|(claimed, _)| claimed != writer);
        if is_other && !matches!(record, Record::Claim { .. }) { self.at } else { at }
    }

    /// Takes in one record, without a commit around it: for observers that follow the events of a controller, which
    /// carry the records of its journal in their order.
    ///
    /// # Errors
    /// [`IllegalTransition`]; the fold is of no use after it.
    pub fn record(&mut self, record: &Record, at: Timestamp) -> Result<(), IllegalTransition> {
        if let Record::Claim { writer, epoch } = record {
            let next = self.claim.as_ref().map_or(0, |(_, epoch)| *epoch) + 1;
            if *epoch != next {
                return Err(IllegalTransition::new(format!(
                    "epoch {epoch} was claimed where {next} is next"
                )));
            }
            self.claim = Some((writer.clone(), *epoch));
            if let Some(state) = &mut self.state {
                state.by_clock(self.at, at);
            }
            self.at = at;
            return Ok(());
        }
        self.at = at;
        match (record, &mut self.state) {
            (Record::Open { spec, initial, plan }, state @ None) => {
                if spec.rollout != self.rollout {
                    return Err(IllegalTransition::new(format!("it opens rollout {}", spec.rollout)));
                }
                *state = Some(RolloutState::open((**spec).clone(), initial, at)?);
                self.plan = Some(*plan);
                Ok(())
            }
            (Record::Open { .. }, Some(_)) => Err(IllegalTransition::new("the rollout is opened twice")),
            (_, None) => Err(IllegalTransition::new("the rollout is not opened yet")),
            (record, Some(state)) => {
                if state.conclusion().is_some() {
                    return Err(IllegalTransition::new("the rollout is closed"));
                }
                transition(state, record, at)?;
                state.settle(at);
                Ok(())
            }
        }
    }

    /// The commit that was being written is stored.
    pub(super) const fn advance(&mut self, digest: Digest) {
        self.len += 1;
        self.head = Some(digest);
    }
}

/// The one transition function.
fn transition(state: &mut RolloutState, record: &Record, at: Timestamp) -> Result<(), IllegalTransition> {
    match record {
        // Handled by the caller.
        Record::Open { .. } | Record::Claim { .. } => Ok(()),
        Record::Intent { op, intent: Intent::Launch { seat, zone, image, token } } => {
            let expected = Token::of(&state.spec().rollout, seat.slot, seat.attempt);
            if *token != expected {
                return Err(IllegalTransition::new(format!("{op} launches {seat} with a foreign token")));
            }
            state.launch_intended(*op, *seat, zone.clone(), *image, at)
        }
        Record::Intent { op, intent: Intent::Retire { seat } } => state.retire_intended(*op, *seat, at),
        Record::Outcome { op, outcome: Outcome::Launched { instance } } => {
            state.launched(*op, instance.clone(), at)
        }
        Record::Outcome { op, outcome: Outcome::Failed { reason } } => state.launch_failed(*op, reason, at),
        Record::Outcome { op, outcome: Outcome::Gone } => state.retired(*op),
        Record::Fact(Fact::Observed { seat, observation }) => state.observed(*seat, observation.clone(), at),
        Record::Fact(Fact::Found { seat, instance }) => state.found(*seat, instance, at),
        Record::Fact(Fact::Marked { seat, reason }) => state.marked(*seat, *reason),
        Record::Fact(Fact::Standing { seat, standing }) => state.set_apart(*seat, *standing, at),
        Record::Fact(Fact::Revoked { image }) => {
            state.revoked(*image);
            Ok(())
        }
        Record::Fact(Fact::Window { open }) => {
            state.windowed(*open, at);
            Ok(())
        }
        Record::Fact(Fact::Rested { slot }) => {
            state.rested(*slot);
            Ok(())
        }
        Record::Shift { share } => state.shifted(*share, at),
        Record::NextTarget => state.next_target(at),
        Record::Gate { stage, gate, judgement } => state.judged(*stage, gate.clone(), judgement.clone()),
        Record::Control(control) => {
            say(state, control, at);
            Ok(())
        }
        Record::Stage { stage } => state.advanced(*stage, at),
        Record::TurnBack { reason } => state.turned_back(reason.clone(), at),
        Record::End { conclusion } => state.ending(conclusion.clone()),
        Record::Close { conclusion } => state.closed(conclusion.clone()),
    }
}

/// What a person says is always legal; said too late it has no effect.
fn say(state: &mut RolloutState, control: &Control, at: Timestamp) {
    match control {
        Control::Pause => state.paused(),
        Control::Resume => state.resumed(at),
        Control::Approve { name } => state.approved(name.clone()),
        Control::Resize { desired } => state.resized(*desired, at),
        Control::Retarget { target } => state.retarget(*target, at),
        Control::Limits { limits } => state.relimited((**limits).clone(), at),
        Control::Floor { available } => state.floored(*available),
        Control::Replace { seat } => state.replacement_asked(*seat),
        Control::Abort => {
            let _ = state.ending(Conclusion::Aborted);
        }
        Control::Rollback => {
            if *state.direction() == Direction::Forward {
                let reason = FailReason::Requested;
                // With nothing to go back to, the best answer is to stop where it stands.
                let _ = match state.way_back() {
                    Some(_) => state.turned_back(reason, at),
                    None => state.ending(Conclusion::Failed { reason, rollback: None }),
                };
            }
        }
    }
}
