use std::collections::BTreeMap;

use super::census::Census;
use super::decide::passed;
use super::state::Run;
use super::{Condition, Member, RolloutState};
use crate::gate::{GateSpec, Verdict};
use crate::id::Slot;
use crate::plan::{PlanReport, WaitingOn};
use crate::time::Timestamp;

/// Where the rollout stands, and why each slot that is not finished does not move.
pub fn explain(state: &RolloutState, now: Timestamp) -> PlanReport {
    let census = Census::of(state);
    let wanted = state.wanted();
    let updated =
        state.members.values().filter(|member| member.image == wanted && member.is_available()).count();
    let mut waiting: BTreeMap<Slot, WaitingOn> = BTreeMap::new();
    let mut by_slot: BTreeMap<Slot, Vec<&Member>> = BTreeMap::new();
    for member in state.members.values() {
        by_slot.entry(member.seat.slot).or_default().push(member);
    }
    let slots = (0..state.spec.budget.desired).map(Slot);
    let all: std::collections::BTreeSet<Slot> = slots.chain(by_slot.keys().copied()).collect();
    for slot in all {
        let members = by_slot.get(&slot).map(Vec::as_slice).unwrap_or_default();
        if let Some(reason) = slot_waits_on(state, slot, members, &census) {
            waiting.insert(slot, reason);
        }
    }
    if let Some(reason) = rollout_waits_on(state, now) {
        for reason_of_slot in waiting.values_mut().filter(|reason| !in_motion(reason)) {
            *reason_of_slot = reason.clone();
        }
        if waiting.is_empty() {
            waiting.extend((0..state.spec.budget.desired).map(|slot| (Slot(slot), reason.clone())));
        }
    }
    PlanReport {
        stage: state.stage,
        stages: state.stages.len(),
        total: census.total,
        max_total: state.spec.budget.max_total(),
        available: census.available,
        min_available: state.spec.budget.min_available(),
        updated: u32::try_from(updated).unwrap_or(u32::MAX),
        desired: state.spec.budget.desired,
        failures: state.failures,
        waiting,
    }
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

fn rollout_waits_on(state: &RolloutState, now: Timestamp) -> Option<WaitingOn> {
    match state.run {
        Run::Paused => return Some(WaitingOn::Paused),
        Run::Ending(_) | Run::Closed(_) => return Some(WaitingOn::Ending),
        Run::Running => {}
    }
    let since = state.complete_since?;
    let gate = state.stages[state.stage].gates.iter().find(|gate| !passed(state, gate, since, now))?;
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

/// Why a slot waits, or `None` if it has nothing left to do.
fn slot_waits_on(
    state: &RolloutState,
    slot: Slot,
    members: &[&Member],
    census: &Census,
) -> Option<WaitingOn> {
    let limits = &state.spec.limits;
    let wanted = state.wanted();
    let mut done = slot.0 >= state.spec.budget.desired;
    let mut stands_in_the_way = None;
    for member in members {
        match member.condition {
            Condition::Launching if member.instance.is_none() => return Some(WaitingOn::Launch),
            Condition::Launching => {
                return Some(WaitingOn::Ready { deadline: member.launched_at + limits.healthy_deadline });
            }
            Condition::Ready { since } => {
                return Some(WaitingOn::MinReady { until: since + limits.min_ready });
            }
            Condition::Suspect { since } => {
                return Some(WaitingOn::Recovery { deadline: since + limits.healthy_deadline });
            }
            Condition::Retiring { .. } | Condition::Broken { .. } => return Some(WaitingOn::Drain),
            Condition::Available if member.image == wanted => done = true,
            // With surge its successor comes first, and waits for room; without, it must leave first.
            Condition::Available
                if state.spec.budget.max_surge > 0 && census.new < state.stages[state.stage].new =>
            {
                stands_in_the_way = Some(WaitingOn::Surge);
            }
            Condition::Available => stands_in_the_way = Some(WaitingOn::Available),
        }
    }
    let stage = &state.stages[state.stage];
    if stands_in_the_way.is_some() {
        return if census.old <= stage.old { Some(WaitingOn::Stage) } else { stands_in_the_way };
    }
    match done {
        true => None,
        false if census.new >= stage.new => Some(WaitingOn::Stage),
        false => Some(WaitingOn::Surge),
    }
}
