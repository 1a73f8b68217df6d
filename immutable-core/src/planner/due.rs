//! What time alone changes.

use super::board::Phase;
use super::goal::Goal;
use super::state::Run;
use super::{Cause, Observation, RolloutState};
use crate::gate::GateSpec;
use crate::id::Slot;
use crate::plan::Seat;
use crate::time::Timestamp;

/// Something that is due because time has passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Due {
    /// A member's minimum ready time is over, or its healthy deadline.
    Member(Seat, Observation),
    /// A slot has rested long enough after a failure.
    Rested(Slot),
    /// The calendar has opened, or closed.
    Window {
        /// It is open now.
        open: bool,
    },
}

/// The changes that are due by now.
#[must_use]
pub fn due(state: &RolloutState, now: Timestamp) -> Vec<Due> {
    let members = state.timers.due_members(now).filter_map(|seat| {
        let observation = match state.phase(seat)? {
            Phase::Ready => Observation::Available,
            Phase::Launching | Phase::Suspect => Observation::Broken(Cause::HealthyDeadline),
            Phase::Intended | Phase::Available | Phase::Broken | Phase::Retiring => return None,
        };
        Some(Due::Member(seat, observation))
    });
    let open = state.calendar_is_open(now);
    let window = (open != state.window_open).then_some(Due::Window { open });
    // Rests first: who fails at the same moment begins a new one.
    let rested = state.timers.due_slots(now).map(Due::Rested);
    rested.chain(members).chain(window).collect()
}

/// When time alone will next change a decision, after `now` and if nothing else happens before.
#[must_use]
pub fn next_due(state: &RolloutState, now: Timestamp) -> Option<Timestamp> {
    let window = state.next_window(now);
    let others = window.into_iter().chain(progress_deadline(state)).filter(|at| *at > now);
    others.chain(next_work(state, now)).min()
}

/// The same without the calendar and the progress deadline: when a bake, a token, a member or a slot will next be due.
pub(super) fn next_work(state: &RolloutState, now: Timestamp) -> Option<Timestamp> {
    let bakes = state.complete_since.into_iter().flat_map(|since| {
        state.goal.stages[state.stage].gates.iter().filter_map(move |gate| match gate {
            GateSpec::Bake(time) => Some(since + *time),
            GateSpec::Approval(_) | GateSpec::Check(_) => None,
        })
    });
    bakes.chain(state.next_token(now)).filter(|at| *at > now).chain(state.timers.next(now)).min()
}

/// When the rollout counts as stuck, if nothing moves before. A rollout that waits for a gate, a person or its end is
/// not stuck, nor is one that must not act.
pub(super) fn progress_deadline(state: &RolloutState) -> Option<Timestamp> {
    let waits = state.complete_since.is_some() || state.waits_for_people() || !state.may_begin();
    (state.run == Run::Running && !waits && !state.is_floored())
        .then(|| state.progressed_at + state.goal.limits.progress_deadline)
}

impl RolloutState {
    /// When the rate allows one launch more.
    pub(super) fn next_token(&self, now: Timestamp) -> Option<Timestamp> {
        self.tokens.zip(self.goal.limits.launch_rate).and_then(|(tokens, rate)| tokens.next(&rate, now))
    }

    pub(super) fn calendar_is_open(&self, now: Timestamp) -> bool {
        let calendar = self.spec.calendar.as_ref();
        calendar.is_none_or(|calendar| calendar.is_open(self.skew.shown(now), self.spec.calendar_seed()))
    }

    /// When the calendar opens or closes next.
    fn next_window(&self, now: Timestamp) -> Option<Timestamp> {
        let calendar = self.spec.calendar.as_ref()?;
        let shown = calendar.next_change(self.skew.shown(now), self.spec.calendar_seed())?;
        Some(self.skew.time(shown))
    }

    /// When the calendar opens next, by what the clock of the controller then shows.
    pub(super) fn next_opening(&self, now: Timestamp) -> Option<Timestamp> {
        let calendar = self.spec.calendar.as_ref()?;
        calendar.next_open(self.skew.shown(now), self.spec.calendar_seed())
    }

    /// Whether nothing is left to do but what somebody set apart, what is held up by that, or what a passive stage leaves to
    /// chance.
    pub(super) fn waits_for_people(&self) -> bool {
        let stage = &self.goal.stages[self.stage];
        let counts = self.board.counts();
        let idle = counts.awaited_idle + counts.skipped_idle;
        if counts.new_ready + counts.old_ready + idle != counts.total {
            return false;
        }
        if self.is_held_up() {
            return true;
        }
        let is_shared = stage.share.is_none_or(|share| self.share == Some(share));
        let is_full = counts.total <= self.goal.budget.desired || counts.awaited > 0;
        let passive = stage.passive && is_full && counts.urgent_live == counts.urgent_apart;
        let apart = counts.awaited > 0 && counts.old_live.saturating_sub(counts.awaited) <= stage.old;
        is_shared && counts.total >= self.goal.budget.desired && (passive || apart)
    }

    /// Whether one that somebody set apart, and that is not available, takes up the room and the slack that the others would
    /// need, in the fleet or in its zone.
    fn is_held_up(&self) -> bool {
        let Goal { limits, budget, .. } = self.goal.as_ref();
        let counts = self.board.counts();
        if counts.awaited_idle == 0 {
            return false;
        }
        let full = counts.total >= budget.max_total();
        let bare = counts.available() <= self.goal.min_available();
        let zones = u32::try_from(self.spec.zones.len()).unwrap_or(u32::MAX);
        let is_held_up = |zone: u16| {
            let here = self.board.zone(zone);
            let limit = limits.zone_budget(budget.slots_in_zone(zone.into(), zones));
            here.awaited_idle > 0
                && (full || here.total >= limit.max_total)
                && (bare || here.available() <= limit.min_available)
        };
        let mut numbers = (0_u16..).zip(self.roster.zones()).map(|(zone, _)| zone);
        full && bare || limits.has_zone_limits() && numbers.any(is_held_up)
    }
}
