use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Conclusion, FailReason, Member};
use crate::digest::Digest;
use crate::gate::Judgement;
use crate::id::{Attempt, GateName, InstanceId, Slot, Token};
use crate::plan::{Adopted, RolloutSpec, Seat};
use crate::strategy::Stage;
use crate::time::Timestamp;

/// The number of an intent within its rollout, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OpId(pub u64);

impl fmt::Display for OpId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "op-{}", self.0)
    }
}

/// An intent without an outcome: an obligation that somebody must finish or prove finished.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenOp {
    /// Launch this seat.
    Launch {
        /// The seat.
        seat: Seat,
        /// The token.
        token: Token,
    },
    /// Retire this seat.
    Retire {
        /// The seat.
        seat: Seat,
        /// The instance in it.
        instance: InstanceId,
    },
}

/// Where a rollout is going.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To the target.
    Forward,
    /// Back to the previous image.
    Back {
        /// Why.
        reason: FailReason,
    },
}

/// Whether new things are begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Run {
    Running,
    Paused,
    /// Finishes what was begun, then ends like this.
    Ending(Conclusion),
    Closed(Conclusion),
}

/// Everything a decision reads; nothing else is read. The fold of a journal.
///
/// It changes only through its transitions. Each checks that it is legal, so a journal that nobody of this protocol
/// wrote is found out instead of obeyed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RolloutState {
    pub(super) spec: RolloutSpec,
    pub(super) direction: Direction,
    pub(super) run: Run,
    pub(super) stages: Vec<Stage>,
    pub(super) stage: usize,
    pub(super) complete_since: Option<Timestamp>,
    pub(super) approvals: BTreeSet<GateName>,
    pub(super) judgements: BTreeMap<GateName, Judgement>,
    pub(super) members: BTreeMap<Seat, Member>,
    pub(super) open: BTreeMap<OpId, OpenOp>,
    pub(super) failures: u32,
    pub(super) last_failure: Option<String>,
    pub(super) progressed_at: Timestamp,
    pub(super) by_instance: BTreeMap<InstanceId, Seat>,
    pub(super) attempts: BTreeMap<Slot, u32>,
    pub(super) next_op: u64,
    pub(super) mark: u64,
    pub(super) retired: u64,
    /// Instances proved gone: a late list that still shows one is no news.
    pub(super) gone: BTreeSet<InstanceId>,
    /// How many members are available, of the wanted image and of others: kept along, so that taking stock after each
    /// record does not count the whole fleet.
    pub(super) available_new: u32,
    pub(super) available_old: u32,
}

/// A transition that the state does not allow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct IllegalTransition {
    what: String,
}

impl IllegalTransition {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into() }
    }
}

impl RolloutState {
    /// The state at the beginning of a rollout.
    ///
    /// # Errors
    /// [`IllegalTransition`] when the specification or the initial instances contradict themselves.
    pub fn open(spec: RolloutSpec, initial: &[Adopted], now: Timestamp) -> Result<Self, IllegalTransition> {
        if spec.zones.is_empty() {
            return Err(IllegalTransition::new("the specification has no zone"));
        }
        if spec.stages.is_empty() {
            return Err(IllegalTransition::new("the specification has no stage"));
        }
        let mut state = Self {
            stages: spec.stages.clone(),
            direction: Direction::Forward,
            run: Run::Running,
            stage: 0,
            complete_since: None,
            approvals: BTreeSet::new(),
            judgements: BTreeMap::new(),
            members: BTreeMap::new(),
            open: BTreeMap::new(),
            failures: 0,
            last_failure: None,
            progressed_at: now,
            by_instance: BTreeMap::new(),
            attempts: BTreeMap::new(),
            next_op: 1,
            mark: 0,
            retired: 0,
            gone: BTreeSet::new(),
            available_new: 0,
            available_old: 0,
            spec,
        };
        for adopted in initial {
            state.seat_adopted(adopted, now)?;
        }
        state.settle(now);
        Ok(state)
    }

    /// What the rollout pinned.
    #[must_use]
    pub const fn spec(&self) -> &RolloutSpec {
        &self.spec
    }

    /// Where it is going.
    #[must_use]
    pub const fn direction(&self) -> &Direction {
        &self.direction
    }

    /// The image every instance shall run: the target, or the previous one on the way back.
    #[must_use]
    pub fn wanted(&self) -> Digest {
        match self.direction {
            Direction::Forward => self.spec.target,
            Direction::Back { .. } => self.spec.previous.unwrap_or(self.spec.target),
        }
    }

    /// All members that exist, in order of their seats.
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.values()
    }

    /// The member in a seat.
    #[must_use]
    pub fn member(&self, seat: Seat) -> Option<&Member> {
        self.members.get(&seat)
    }

    /// The member with this platform identifier.
    #[must_use]
    pub fn member_of(&self, instance: &InstanceId) -> Option<&Member> {
        self.by_instance.get(instance).and_then(|seat| self.members.get(seat))
    }

    /// Whether this instance was a member and is proved gone.
    #[must_use]
    pub fn is_gone(&self, instance: &InstanceId) -> bool {
        self.gone.contains(instance)
    }

    /// All intents without an outcome, oldest first.
    pub fn open_ops(&self) -> impl Iterator<Item = (OpId, &OpenOp)> {
        self.open.iter().map(|(op, open)| (*op, open))
    }

    /// The number that the next intent must have.
    #[must_use]
    pub const fn next_op(&self) -> OpId {
        OpId(self.next_op)
    }

    /// Whether it is paused.
    #[must_use]
    pub const fn is_paused(&self) -> bool {
        matches!(self.run, Run::Paused)
    }

    /// Whether it only finishes what it began.
    #[must_use]
    pub const fn is_ending(&self) -> bool {
        matches!(self.run, Run::Ending(_))
    }

    /// How it ended, once it has.
    #[must_use]
    pub const fn conclusion(&self) -> Option<&Conclusion> {
        if let Run::Closed(conclusion) = &self.run { Some(conclusion) } else { None }
    }

    /// The current stage with its number, from 0.
    #[must_use]
    pub fn stage(&self) -> (usize, &Stage) {
        // `open` refuses an empty list and `advance` checks the bound.
        (self.stage, &self.stages[self.stage])
    }

    /// What a check last said about the current stage.
    #[must_use]
    pub fn judgement(&self, gate: &GateName) -> Option<&Judgement> {
        self.judgements.get(gate)
    }

    /// Since when the current stage has been complete, if it is.
    #[must_use]
    pub const fn complete_since(&self) -> Option<Timestamp> {
        self.complete_since
    }

    /// The seat of the next launch in a slot.
    #[must_use]
    pub fn next_seat(&self, slot: Slot) -> Seat {
        let used = self.attempts.get(&slot).copied().unwrap_or(0);
        Seat { slot, attempt: Attempt(used + 1) }
    }

    /// A free seat beyond the desired slots, for an instance that appeared from outside.
    #[must_use]
    pub fn surplus_seat(&self) -> Seat {
        let beyond = self.attempts.last_key_value().map_or(0, |(slot, _)| slot.0 + 1);
        Seat::new(beyond.max(self.spec.budget.desired), 0)
    }
}
