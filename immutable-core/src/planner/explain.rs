use std::collections::BTreeMap;

use super::RolloutState;
use super::board::{Cell, Phase};
use super::deadlock::deadlock;
use super::decide::passed;
use super::guard::{Barred, Guard, Limit};
use super::state::Run;
use super::steps::Chooser;
use super::transition::deadline;
use crate::gate::{GateSpec, Verdict};
use crate::id::Slot;
use crate::plan::{PlanReport, WaitingOn};
use crate::time::Timestamp;

/// Where the rollout stands, and why each slot that is not finished does not move.
pub fn explain(state: &RolloutState, now: Timestamp) -> PlanReport {
    let counts = state.board.counts();
    let budget = state.goal.budget;
    let mut waiting: BTreeMap<Slot, WaitingOn> = slot_reasons(state, now).collect();
    if let Some(reason) = rollout_waits_on(state, waiting.is_empty(), now) {
        for reason_of_slot in waiting.values_mut().filter(|reason| !in_motion(reason)) {
            *reason_of_slot = reason.clone();
        }
        if waiting.is_empty() {
            // Where nothing is desired, the first slot speaks for the rollout.
            waiting.extend((0..budget.desired.max(1)).map(|slot| (Slot(slot), reason.clone())));
        }
    }
    PlanReport {
        stage: state.stage,
        stages: state.goal.stages.len(),
        total: counts.total,
        max_total: budget.max_total(),
        available: counts.available(),
        min_available: state.goal.min_available(),
        updated: counts.new_ready,
        desired: budget.desired,
        failures: state.failures.count,
        share: state.share,
        refused: state.refused.clone(),
        deadlock: deadlock(state, now),
        waiting,
    }
}

/// Why each slot that is not finished does not move.
pub(super) fn slot_reasons(
    state: &RolloutState,
    now: Timestamp,
) -> impl Iterator<Item = (Slot, WaitingOn)> + '_ {
    let chooser = Chooser::new(state, &state.board, now);
    let slots = (0..state.board.next_surplus().0).map(Slot);
    slots.filter_map(move |slot| Some((slot, slot_waits_on(state, &chooser, slot, now)?)))
}

/// Whether something is under way in the slot, so that nothing of the whole rollout holds it up.
const fn in_motion(reason: &WaitingOn) -> bool {
    matches!(
        reason,
        WaitingOn::Launch
            | WaitingOn::Ready { .. }
            | WaitingOn::MinReady { .. }
            | WaitingOn::Recovery { .. }
            | WaitingOn::Drain
    )
}

fn rollout_waits_on(state: &RolloutState, is_only_traffic_left: bool, now: Timestamp) -> Option<WaitingOn> {
    match state.run {
        Run::Paused => return Some(WaitingOn::Paused),
        Run::Ending(_) | Run::Closed(_) => return Some(WaitingOn::Ending),
        Run::Running => {}
    }
    let Some(since) = state.complete_since else {
        if !state.may_begin() {
            return Some(window(state, now));
        }
        // Every slot is done, and yet the stage is not complete.
        return is_only_traffic_left.then_some(WaitingOn::Traffic);
    };
    let mut gates = state.goal.stages[state.stage].gates.iter();
    let Some(gate) = gates.find(|gate| !passed(state, gate, since, now)) else {
        return (!state.may_advance()).then(|| window(state, now));
    };
    Some(match gate {
        GateSpec::Bake(time) => WaitingOn::Bake { until: since + *time },
        GateSpec::Approval(name) => WaitingOn::Approval { name: name.clone() },
        GateSpec::Check(name) => match state.judgements.get(name).map(|judgement| judgement.verdict) {
            Some(Verdict::Inconclusive) => WaitingOn::Inconclusive { name: name.clone() },
            Some(Verdict::Pass | Verdict::Fail | Verdict::Wait) | None => {
                WaitingOn::Gate { name: name.clone() }
            }
        },
    })
}

fn window(state: &RolloutState, now: Timestamp) -> WaitingOn {
    WaitingOn::Window { opens: state.next_opening(now) }
}

/// Why a slot waits, or `None` if it has nothing left to do.
fn slot_waits_on(
    state: &RolloutState,
    chooser: &Chooser<'_>,
    slot: Slot,
    now: Timestamp,
) -> Option<WaitingOn> {
    let is_desired = slot.0 < state.goal.budget.desired;
    let mut done = !is_desired;
    let mut in_the_way: Option<&Cell> = None;
    for (_, cell) in state.board.in_slot(slot) {
        let limits = &state.goal.limits;
        let until = deadline(cell, limits).unwrap_or(Timestamp::MAX);
        match cell.phase {
            Phase::Intended => return Some(WaitingOn::Launch),
            _ if cell.skipped => done = true,
            _ if cell.fixed && cell.is_old() => in_the_way = Some(cell),
            // Nobody gives it up, so there is no deadline to tell.
            Phase::Launching | Phase::Suspect if cell.fixed => return Some(apart(cell)),
            Phase::Available if cell.fixed && cell.standby => return Some(WaitingOn::Standby),
            Phase::Launching => return Some(WaitingOn::Ready { deadline: until }),
            Phase::Ready => return Some(WaitingOn::MinReady { until }),
            Phase::Suspect => return Some(WaitingOn::Recovery { deadline: until }),
            Phase::Retiring | Phase::Broken => return Some(WaitingOn::Drain),
            Phase::Available if cell.is_old() => in_the_way = Some(cell),
            Phase::Available => done = true,
        }
    }
    match in_the_way {
        Some(cell) => Some(old_waits_on(state, chooser, slot, cell, done, now)),
        None if done => None,
        None => Some(launch_waits_on(state, chooser, slot, now).unwrap_or(WaitingOn::Surge)),
    }
}

/// What somebody has to do about an instance that is set apart.
const fn apart(cell: &Cell) -> WaitingOn {
    if cell.standby { WaitingOn::Standby } else { WaitingOn::Protected }
}

/// Why an old one is still there.
fn old_waits_on(
    state: &RolloutState,
    chooser: &Chooser<'_>,
    slot: Slot,
    cell: &Cell,
    succeeded: bool,
    now: Timestamp,
) -> WaitingOn {
    let counts = state.board.counts();
    if cell.fixed {
        return apart(cell);
    }
    if chooser.stays(cell) {
        return WaitingOn::Passive;
    }
    if counts.old_live <= chooser.keep {
        if state.goal.stages[state.stage].passive {
            return WaitingOn::Passive;
        }
        // It stays, and its slot may still be one that gets a new one beside it.
        let missing = !succeeded && counts.new_live < chooser.target && slot.0 < state.goal.budget.desired;
        let reason = missing.then(|| launch_waits_on(state, chooser, slot, now)).flatten();
        return reason.unwrap_or(WaitingOn::Stage);
    }
    if !chooser.may_be_begun(slot) {
        return WaitingOn::Order;
    }
    // With surge its successor comes first, and waits for room; without, it must leave first.
    let comes_first = state.goal.budget.max_surge > 0 && !state.board.owns_volume(slot);
    if !succeeded
        && comes_first
        && counts.new_live < chooser.target
        && slot.0 < state.goal.budget.desired
        && let Some(reason) = launch_waits_on(state, chooser, slot, now)
    {
        return reason;
    }
    match chooser.guard.clone().retire(cell) {
        Err(Barred::Zone) => WaitingOn::ZoneAvailable { zone: state.roster.zone_of(cell.zone).clone() },
        Err(Barred::Fleet(Limit::Traffic)) => WaitingOn::Traffic,
        Err(Barred::Fleet(_)) if state.board.owns_volume(slot) => WaitingOn::Volume,
        Err(Barred::Fleet(_)) | Ok(()) => WaitingOn::Available,
    }
}

/// Why nothing is launched in a slot; `None` if nothing bars it.
fn launch_waits_on(
    state: &RolloutState,
    chooser: &Chooser<'_>,
    slot: Slot,
    now: Timestamp,
) -> Option<WaitingOn> {
    if let Some(until) = state.timers.rests_until(slot) {
        return Some(WaitingOn::Retry { until });
    }
    if state.board.counts().new_live >= chooser.target {
        return Some(WaitingOn::Stage);
    }
    if !state.may_launch(state.wanted(), None) {
        return Some(WaitingOn::Versions);
    }
    let (zone, name) = state.zone_of(slot);
    let mut guard: Guard<'_> = chooser.guard.clone();
    match guard.launch(zone, true) {
        Ok(()) => state.board.owns_volume(slot).then_some(WaitingOn::Volume),
        Err(Barred::Zone) => Some(WaitingOn::ZoneSurge { zone: name.clone() }),
        Err(Barred::Fleet(Limit::Rate)) => {
            let rate = state.goal.limits.launch_rate.as_ref();
            let next = state.tokens.zip(rate).and_then(|(tokens, rate)| tokens.next(rate, now));
            Some(WaitingOn::Rate { until: next.unwrap_or(now) })
        }
        Err(Barred::Fleet(_)) => Some(WaitingOn::Surge),
    }
}
