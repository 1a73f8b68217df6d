use std::collections::BTreeSet;

use super::census::Census;
use super::due::progress_deadline;
use super::state::Run;
use super::{Conclusion, Direction, FailReason, Member, RolloutState, choose, explain};
use crate::gate::{GateSpec, Verdict};
use crate::plan::{OnFailure, PlanReport, Seat, Step};
use crate::time::Timestamp;

/// What to do now.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decision {
    /// Do these, in any order.
    Act(Vec<Step>),
    /// Nothing can be done now, and this is why.
    Wait(PlanReport),
    /// It failed: go back to the previous image.
    TurnBack(FailReason),
    /// Begin nothing more, finish what was begun, and end like this.
    End(Conclusion),
    /// It is over; nothing is open.
    Done(Conclusion),
}

/// The decision kernel: what may and should be done in this state at this time.
///
/// Called again after its decision was recorded in the state, it goes on from there; it has had its say when it answers
/// [`Decision::Wait`] or [`Decision::Done`]. It decides only by the state, in which every fact is committed, so the
/// same journal gives the same decisions.
#[must_use]
pub fn decide(state: &RolloutState, now: Timestamp) -> Decision {
    match &state.run {
        Run::Closed(conclusion) => return Decision::Done(conclusion.clone()),
        Run::Ending(conclusion) if state.open.is_empty() => return Decision::Done(conclusion.clone()),
        Run::Ending(_) => return Decision::Wait(explain(state, now)),
        Run::Paused | Run::Running => {}
    }
    if let Some(reason) = failure(state, now) {
        return respond(state, reason);
    }
    if state.run == Run::Paused {
        return Decision::Wait(explain(state, now));
    }
    let steps = steps(state);
    if !steps.is_empty() {
        return Decision::Act(steps);
    }
    let Some(since) = state.complete_since else {
        return Decision::Wait(explain(state, now));
    };
    if !state.stages[state.stage].gates.iter().all(|gate| passed(state, gate, since, now)) {
        return Decision::Wait(explain(state, now));
    }
    let next = state.stage + 1;
    if next < state.stages.len() {
        return Decision::Act(vec![Step::Advance { stage: next }]);
    }
    Decision::Done(match &state.direction {
        Direction::Forward => Conclusion::Completed,
        Direction::Back { reason } => Conclusion::RolledBack { reason: reason.clone() },
    })
}

/// Whether a gate of the current stage has passed.
pub(super) fn passed(state: &RolloutState, gate: &GateSpec, since: Timestamp, now: Timestamp) -> bool {
    match gate {
        GateSpec::Bake(time) => now.since(since) >= *time,
        GateSpec::Approval(name) => state.approvals.contains(name),
        GateSpec::Check(name) => match state.judgements.get(name).map(|judgement| judgement.verdict) {
            Some(Verdict::Pass) => true,
            // No verdict was possible; a person's word replaces it.
            Some(Verdict::Inconclusive) => state.approvals.contains(name),
            Some(Verdict::Fail | Verdict::Wait) | None => false,
        },
    }
}

fn failure(state: &RolloutState, now: Timestamp) -> Option<FailReason> {
    let tolerated = state.spec.limits.max_failures.round_down(state.spec.budget.desired);
    if state.failures > tolerated {
        let last = state.last_failure.clone().unwrap_or_default();
        return Some(FailReason::TooManyFailures { failures: state.failures, tolerated, last });
    }
    let failed = state.judgements.iter().find(|(_, judgement)| judgement.verdict == Verdict::Fail);
    if let Some((gate, judgement)) = failed {
        return Some(FailReason::Gate { gate: gate.clone(), judgement: judgement.clone() });
    }
    progress_deadline(state).filter(|deadline| *deadline <= now).map(|_| FailReason::NoProgress)
}

fn respond(state: &RolloutState, reason: FailReason) -> Decision {
    match &state.direction {
        Direction::Forward
            if state.spec.on_failure == OnFailure::Rollback
                && state.spec.previous.is_some_and(|previous| previous != state.spec.target) =>
        {
            Decision::TurnBack(reason)
        }
        Direction::Forward => Decision::End(Conclusion::Failed { reason, rollback: None }),
        Direction::Back { reason: first } => {
            Decision::End(Conclusion::Failed { reason: first.clone(), rollback: Some(reason) })
        }
    }
}

/// The greedy work-conserving policy: everything the numbers allow, without batches.
fn steps(state: &RolloutState) -> Vec<Step> {
    let budget = state.spec.budget;
    let stage = &state.stages[state.stage];
    let target = stage.new.min(budget.desired);
    let keep = stage.old.min(budget.desired);
    let wanted = state.wanted();
    let mut census = Census::of(state);
    let mut steps = Vec::new();
    let retire = |seat: Seat| Step::Retire { seat };

    // A broken one is not counted available, so replacing it costs nothing; doing it first is what keeps a rollout
    // without surge or without slack alive.
    let broken = state.members.values().filter(|member| member.is_broken() && member.instance.is_some());
    steps.extend(broken.map(|member| retire(member.seat)));

    let (new, old): (Vec<&Member>, Vec<&Member>) = state
        .members
        .values()
        .filter(|member| member.is_live() && !member.is_broken())
        .partition(|member| member.image == wanted);

    // What never served and is not wanted any more.
    let spare_old = census.old.saturating_sub(keep) as usize;
    let unproven: Vec<Seat> = choose::unproven(&old).into_iter().take(spare_old).collect();
    census.old -= size(unproven.len());
    steps.extend(unproven.into_iter().map(retire));
    let spare_new = census.new.saturating_sub(budget.desired) as usize;
    let unproven: Vec<Seat> = choose::unproven(&new).into_iter().rev().take(spare_new).collect();
    census.new -= size(unproven.len());
    steps.extend(unproven.into_iter().map(retire));

    // One slot is launched once in a decision, also where it lacks both a new and a kept old one.
    let mut chosen = BTreeSet::new();
    let mut launch = |image, wanted_count: u32, census_count: &mut u32, total: &mut u32| {
        let vacant = choose::vacancies(state, image).filter(|slot| !chosen.contains(slot));
        let mut slots = vacant.collect::<Vec<_>>().into_iter();
        while *census_count < wanted_count && *total < budget.max_total() {
            let Some(slot) = slots.next() else { break };
            chosen.insert(slot);
            let seat = state.next_seat(slot);
            steps.push(Step::Launch { seat, zone: state.spec.zone_of(slot).clone(), image });
            *census_count += 1;
            *total += 1;
        }
    };
    if census.new < target && census.total < budget.max_total() {
        launch(wanted, target, &mut census.new, &mut census.total);
    }
    // A kept one was lost.
    let other = if state.direction == Direction::Forward { state.spec.previous } else { None };
    if let Some(image) = other.filter(|image| *image != wanted)
        && census.old < keep
        && census.new + census.old < target + keep
    {
        let room = (target + keep - census.new).min(keep);
        launch(image, room, &mut census.old, &mut census.total);
    }

    let min_available = budget.min_available();
    let mut leave = |members: &[&Member], mut surplus: u32, available: &mut u32| {
        if surplus == 0 || *available < min_available {
            return;
        }
        for member in choose::leaving_order(state, members) {
            if surplus == 0 {
                break;
            }
            if member.is_available() {
                if *available <= min_available {
                    break;
                }
                *available -= 1;
            }
            surplus -= 1;
            steps.push(retire(member.seat));
        }
    };
    leave(&old, census.old.saturating_sub(keep), &mut census.available);
    leave(&new, census.new.saturating_sub(budget.desired), &mut census.available);
    steps
}

fn size(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
