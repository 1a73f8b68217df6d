use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::board::{Board, CellId};
use super::goal::Goal;
use super::order::{Order, order};
use super::roster::Roster;
use super::timers::Timers;
use super::{Conclusion, FailReason, Member};
use crate::digest::Digest;
use crate::fleet::Standing;
use crate::gate::Judgement;
use crate::id::{Attempt, GateName, InstanceId, Slot, Token};
use crate::limits::{Budget, Limits, Tokens};
use crate::plan::{Adopted, OnApart, RolloutSpec, Seat};
use crate::strategy::{Share, Stage};
use crate::time::{Skew, Timestamp};

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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Run {
    Running,
    Paused,
    /// Finishes what was begun, then ends like this.
    Ending(Conclusion),
    Closed(Conclusion),
}

/// What went wrong with the wanted image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Failures {
    pub(super) count: u32,
    pub(super) by_slot: BTreeMap<Slot, u32>,
    pub(super) zones: BTreeSet<u16>,
    /// Where and how the last one failed.
    pub(super) last: Option<(Slot, String)>,
}

/// Everything a decision reads; nothing else is read. The fold of a journal.
///
/// It changes only through its transitions. Each checks that it is legal, so a journal that nobody of this protocol
/// wrote is found out instead of obeyed.
///
/// Its serialized form is that of checkpoints: what one version of this library writes, no other one reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RolloutState {
    pub(super) spec: Arc<RolloutSpec>,
    /// Where it is going, which may have changed since it was opened.
    pub(super) goal: Arc<Goal>,
    pub(super) direction: Direction,
    pub(super) run: Run,
    pub(super) stage: usize,
    /// Something of the rollout itself was begun.
    pub(super) begun: bool,
    /// The calendar was open when it was looked at last.
    pub(super) window_open: bool,
    /// Since when it is closed, if it is.
    pub(super) closed_at: Timestamp,
    /// The share of the traffic that the new group gets; `None`: every instance gets the same.
    pub(super) share: Option<Share>,
    pub(super) complete_since: Option<Timestamp>,
    /// When stock was taken last, there was nothing to do but wait for people or for chance.
    pub(super) idle: bool,
    pub(super) approvals: BTreeSet<GateName>,
    pub(super) judgements: BTreeMap<GateName, Judgement>,
    pub(super) board: Board,
    pub(super) roster: Roster,
    pub(super) timers: Timers,
    pub(super) tokens: Option<Tokens>,
    pub(super) open: BTreeMap<OpId, OpenOp>,
    pub(super) failures: Failures,
    pub(super) revoked: BTreeSet<Digest>,
    pub(super) progressed_at: Timestamp,
    /// How far the clock of the controller is ahead of the time of the journal.
    pub(super) skew: Skew,
    pub(super) next_op: u64,
    pub(super) mark: u64,
    /// Old ones that are gone.
    pub(super) replaced: u64,
    /// What was asked for last and could not be granted.
    pub(super) refused: Option<String>,
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
        let mut state = Self::empty(spec, now)?;
        let Order { slots, tiers } = order(&state.spec, initial);
        state.board = Board::new(state.spec.budget.desired, lanes_of(&state.spec), slots, tiers);
        state.seat_all(initial, now)?;
        state.board.sort();
        state.settle(now);
        Ok(state)
    }

    /// The state before there are slots, or without them.
    pub(super) fn empty(spec: RolloutSpec, now: Timestamp) -> Result<Self, IllegalTransition> {
        if spec.zones.is_empty() {
            return Err(IllegalTransition::new("the specification has no zone"));
        }
        if spec.stages.is_empty() {
            return Err(IllegalTransition::new("the specification has no stage"));
        }
        if spec.budget.desired > Budget::MAX_DESIRED {
            return Err(IllegalTransition::new(format!(
                "the specification desires {} instances, more than {} in one fleet",
                spec.budget.desired,
                Budget::MAX_DESIRED
            )));
        }
        let shares = spec.stages.iter().any(|stage| stage.share.is_some());
        Ok(Self {
            goal: Arc::new(Goal::of(&spec)),
            direction: Direction::Forward,
            run: Run::Running,
            stage: 0,
            begun: false,
            window_open: spec
                .calendar
                .as_ref()
                .is_none_or(|calendar| calendar.is_open(now, spec.calendar_seed())),
            closed_at: now,
            share: shares.then_some(Share::NONE),
            complete_since: None,
            idle: false,
            approvals: BTreeSet::new(),
            judgements: BTreeMap::new(),
            board: Board::new(0, lanes_of(&spec), Vec::new(), Vec::new()),
            roster: Roster::new(&spec.zones),
            timers: Timers::default(),
            tokens: spec.limits.launch_rate.map(|rate| Tokens::full(&rate, now)),
            open: BTreeMap::new(),
            failures: Failures::default(),
            revoked: BTreeSet::new(),
            progressed_at: now,
            skew: Skew::NONE,
            next_op: 1,
            mark: 0,
            replaced: 0,
            refused: None,
            spec: Arc::new(spec),
        })
    }

    /// What the rollout pinned when it was opened.
    #[must_use]
    pub fn spec(&self) -> &RolloutSpec {
        &self.spec
    }

    /// The limits that hold now.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.goal.limits
    }

    /// The limits that hold now in numbers.
    #[must_use]
    pub fn budget(&self) -> Budget {
        self.goal.budget
    }

    /// How many instances must be available besides what the limits ask for; 0 for none.
    #[must_use]
    pub fn floor(&self) -> u32 {
        self.goal.floor
    }

    /// How many instances are available. One that is intended to leave does not count any more.
    #[must_use]
    pub const fn available(&self) -> u32 {
        self.board.counts().available()
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
            Direction::Forward => self.goal.target,
            Direction::Back { .. } => self.goal.previous.unwrap_or(self.goal.target),
        }
    }

    /// The share of the traffic that the new group gets; `None` if every instance gets the same.
    #[must_use]
    pub const fn share(&self) -> Option<Share> {
        self.share
    }

    /// All members that exist, in order of their seats.
    pub fn members(&self) -> impl Iterator<Item = Member<'_>> {
        self.board.entries().map(|(id, _)| self.member_in(id))
    }

    /// How many things it remembers, in round numbers: what it costs to write it down.
    #[must_use]
    pub fn extent(&self) -> u64 {
        u64::from(self.size()) + self.roster.gone() as u64
    }

    /// How many members exist.
    #[must_use]
    pub const fn size(&self) -> u32 {
        self.board.counts().total
    }

    /// Whether a member that stands like this must not be touched.
    #[must_use]
    pub fn sets_apart(&self, standing: Standing) -> bool {
        standing.protected && self.spec.on_protected != OnApart::Replace && !seeded!(ProtectedReplaced)
            || standing.standby && self.spec.on_standby != OnApart::Replace
    }

    /// Whether the rollout is done without a member that stands like this.
    pub(super) fn skips(&self, standing: Standing) -> bool {
        standing.protected && self.spec.on_protected == OnApart::Skip
            || standing.standby && self.spec.on_standby == OnApart::Skip
    }

    /// Whether a member that stands like this is replaced because it serves nobody, whatever it runs.
    pub(super) fn replaces_standby(&self, standing: Standing) -> bool {
        standing.standby && !self.sets_apart(standing)
    }

    /// Whether an instance that stands like this is no business of the rollout.
    #[must_use]
    pub fn leaves_alone(&self, standing: Standing) -> bool {
        standing.standby && self.spec.on_standby == OnApart::Skip
    }

    /// The member in a seat.
    #[must_use]
    pub fn member(&self, seat: Seat) -> Option<Member<'_>> {
        self.board.find(seat).map(|id| self.member_in(id))
    }

    /// The member with this platform identifier.
    #[must_use]
    pub fn member_of(&self, instance: &InstanceId) -> Option<Member<'_>> {
        self.roster.seat_of(instance).and_then(|seat| self.member(seat))
    }

    /// All members that have a platform identifier, in order of those.
    pub fn instances(&self) -> impl Iterator<Item = (&InstanceId, Member<'_>)> {
        self.roster.instances().filter_map(|(instance, seat)| Some((instance, self.member(seat)?)))
    }

    fn member_in(&self, id: CellId) -> Member<'_> {
        let cell = self.board.cell(id);
        let (image, zone) = (self.roster.image_of(cell.image), self.roster.zone_of(cell.zone));
        Member::new(cell, image, zone, self.roster.name(id))
    }

    /// Whether this instance was a member and is proved gone.
    #[must_use]
    pub fn is_gone(&self, instance: &InstanceId) -> bool {
        self.roster.is_gone(instance)
    }

    /// All intents without an outcome, oldest first.
    pub fn open_ops(&self) -> impl Iterator<Item = (OpId, &OpenOp)> {
        self.open.iter().map(|(op, open)| (*op, open))
    }

    /// Whether this is the token of an open launch.
    #[must_use]
    pub fn is_token_of(&self, op: OpId, asked: &Token) -> bool {
        matches!(self.open.get(&op), Some(OpenOp::Launch { token, .. }) if token == asked)
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
        (self.stage, &self.goal.stages[self.stage])
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

    /// What was asked for last and could not be granted, with the reason.
    #[must_use]
    pub fn refused(&self) -> Option<&str> {
        self.refused.as_deref()
    }

    /// The seat of the next launch in a slot.
    #[must_use]
    pub fn next_seat(&self, slot: Slot) -> Seat {
        Seat { slot, attempt: Attempt(self.board.attempts(slot).0 + 1) }
    }

    /// A free seat beyond the desired slots, for an instance that appeared from outside.
    #[must_use]
    pub fn surplus_seat(&self) -> Seat {
        Seat { slot: self.board.next_surplus(), attempt: Attempt(0) }
    }
}

/// One for each zone, where the limits look at zones.
pub(super) fn lanes_of(spec: &RolloutSpec) -> u32 {
    let zones = if spec.limits.has_zone_limits() { spec.zones.len() } else { 0 };
    u32::try_from(zones).unwrap_or(u32::MAX)
}
