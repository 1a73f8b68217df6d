//! Why nothing can move any more, and the least that would change it.

use super::board::{Class, Phase, Places};
use super::explain::slot_reasons;
use super::forecast::finishes;
use super::state::Run;
use super::{Decision, RolloutState, decide};
use crate::id::Slot;
use crate::plan::{Deadlock, Relaxation, WaitingOn};
use crate::quantity::Quantity;
use crate::time::Timestamp;

/// The kinds of relaxations that are tried, each with the least number that suffices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Surge,
    Unavailable,
    ZoneSurge,
    ZoneUnavailable,
    Versions,
    Free,
    Order,
}

const KINDS: [Kind; 7] = [
    Kind::Surge,
    Kind::Unavailable,
    Kind::ZoneSurge,
    Kind::ZoneUnavailable,
    Kind::Versions,
    Kind::Free,
    Kind::Order,
];

/// The deadlock that a rollout is in, if it is in one. People, calendars, gates and time are none: they end.
pub(super) fn deadlock(state: &RolloutState, now: Timestamp) -> Option<Deadlock> {
    if !is_stuck(state, now) {
        return None;
    }
    let mut blocked: Vec<(Slot, WaitingOn)> = Vec::new();
    for (slot, reason) in slot_reasons(state, now) {
        if !blocked.iter().any(|(_, known)| *known == reason) {
            blocked.push((slot, reason));
        }
    }
    Some(Deadlock::new(blocked, ways_out(state, now)))
}

fn is_stuck(state: &RolloutState, now: Timestamp) -> bool {
    let at_rest = state.board.cells().all(|cell| cell.fixed || cell.phase == Phase::Available);
    state.run == Run::Running
        && state.complete_since.is_none()
        && state.may_begin()
        && at_rest
        && !state.waits_for_people()
        && state.timers.next(now).is_none()
        && state.next_token(now).is_none()
        && !state.board.has(Class::Broken)
        && decide(state, now) == Decision::Wait
}

/// Every single relaxation that suffices; where none does, every pair.
fn ways_out(state: &RolloutState, now: Timestamp) -> Vec<Vec<Relaxation>> {
    let mut ways: Vec<Vec<Relaxation>> = KINDS
        .into_iter()
        .filter_map(|kind| {
            let least = least(kind, state, |relaxed| finishes(relaxed, now))?;
            Some(vec![relaxation(kind, state, least)])
        })
        .collect();
    if !ways.is_empty() {
        return ways;
    }
    for (number, first) in KINDS.into_iter().enumerate() {
        for second in KINDS.into_iter().skip(number + 1) {
            // The least of the first with as much of the second as there can be, then the least of the second.
            let most_of = |kind, relaxed: &RolloutState| relax(kind, relaxed, most(kind, relaxed));
            let with_second = |relaxed: RolloutState| {
                most_of(second, &relaxed).is_some_and(|relaxed| finishes(relaxed, now))
            };
            let Some(of_first) = least(first, state, with_second) else { continue };
            let Some(relaxed) = relax(first, state, of_first) else { continue };
            let Some(of_second) = least(second, &relaxed, |relaxed| finishes(relaxed, now)) else { continue };
            ways.push(vec![relaxation(first, state, of_first), relaxation(second, state, of_second)]);
        }
    }
    ways
}

/// The least number of a kind that passes; more of it never passes where less did not.
fn least(kind: Kind, state: &RolloutState, passes: impl Fn(RolloutState) -> bool) -> Option<u32> {
    let mut high = most(kind, state);
    if !relax(kind, state, high).is_some_and(&passes) {
        return None;
    }
    let mut low = 0;
    while low + 1 < high {
        let middle = low + (high - low) / 2;
        match relax(kind, state, middle).is_some_and(&passes) {
            true => high = middle,
            false => low = middle,
        }
    }
    Some(high)
}

/// By how much a kind can be relaxed at most.
fn most(kind: Kind, state: &RolloutState) -> u32 {
    match kind {
        Kind::Surge | Kind::Unavailable | Kind::ZoneSurge | Kind::ZoneUnavailable => {
            state.goal.budget.desired.max(1)
        }
        Kind::Versions => 2,
        Kind::Free | Kind::Order => 1,
    }
}

/// The same state with one limit relaxed by so much; `None` where there is nothing to relax.
fn relax(kind: Kind, state: &RolloutState, by: u32) -> Option<RolloutState> {
    let mut relaxed = state.clone();
    let goal = relaxed.goal_mut();
    let raised = |limit: Option<Quantity>, up: bool| {
        let now = limit?;
        // Zones differ by one slot at most; the smaller one rounds to less.
        let slots = state.goal.budget.desired / u32::try_from(state.spec.zones.len()).unwrap_or(1).max(1);
        let count = if up { now.round_up(slots) } else { now.round_down(slots) };
        Some(count.saturating_add(by))
    };
    match kind {
        Kind::Surge => goal.budget.max_surge = goal.budget.max_surge.saturating_add(by),
        Kind::Unavailable if goal.budget.max_unavailable >= goal.budget.desired => return None,
        Kind::Unavailable => {
            let raised = goal.budget.max_unavailable.saturating_add(by);
            goal.budget.max_unavailable = raised.min(goal.budget.desired);
        }
        Kind::ZoneSurge => {
            goal.limits.max_surge_per_zone =
                Some(Quantity::Count(raised(goal.limits.max_surge_per_zone, true)?));
        }
        Kind::ZoneUnavailable => {
            let raised = raised(goal.limits.max_unavailable_per_zone, false)?;
            goal.limits.max_unavailable_per_zone = Some(Quantity::Count(raised));
        }
        Kind::Versions => goal.limits.max_versions = Some(goal.limits.max_versions?.saturating_add(by)),
        Kind::Free => {
            if !state.board.cells().any(|cell| cell.fixed) {
                return None;
            }
            relaxed.board.regroup(|cell| cell.fixed = false);
        }
        Kind::Order => {
            if !relaxed.board.drop_tiers() {
                return None;
            }
        }
    }
    Some(relaxed)
}

fn relaxation(kind: Kind, state: &RolloutState, by: u32) -> Relaxation {
    let budget = state.goal.budget;
    let relaxed = relax(kind, state, by).map(|state| state.goal);
    let count = |limit: fn(&crate::limits::Limits) -> Option<Quantity>| {
        relaxed.as_ref().and_then(|goal| limit(&goal.limits)).map_or(by, |limit| limit.round_up(0))
    };
    match kind {
        Kind::Surge => Relaxation::MaxSurge { from: budget.max_surge, to: budget.max_surge + by },
        Kind::Unavailable => Relaxation::MaxUnavailable {
            from: budget.max_unavailable,
            to: relaxed.map_or(by, |goal| goal.budget.max_unavailable),
        },
        Kind::ZoneSurge => {
            let to = count(|limits| limits.max_surge_per_zone);
            Relaxation::MaxSurgePerZone { from: to.saturating_sub(by), to }
        }
        Kind::ZoneUnavailable => {
            let to = count(|limits| limits.max_unavailable_per_zone);
            Relaxation::MaxUnavailablePerZone { from: to.saturating_sub(by), to }
        }
        Kind::Versions => {
            let from = state.goal.limits.max_versions.unwrap_or(0);
            Relaxation::MaxVersions { from, to: from + by }
        }
        Kind::Free => {
            let fixed = state.board.cells().filter(|cell| cell.fixed).map(|cell| cell.seat.slot);
            Relaxation::Free { slots: fixed.collect() }
        }
        Kind::Order => Relaxation::Order,
    }
}
