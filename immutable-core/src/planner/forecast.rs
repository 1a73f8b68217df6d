//! The kernel folded over a predicted world.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{
    Condition, Decision, IllegalTransition, Observation, OpenOp, RolloutState, decide, due, next_due,
};
use crate::gate::{GateSpec, Judgement, Verdict};
use crate::id::InstanceId;
use crate::plan::{Estimates, PlannedEvent, PlannedStep, Seat, Step};
use crate::time::Timestamp;

/// What the predicted world does next, at its time.
enum Coming {
    Ready(Seat),
    Gone(super::OpId, Seat),
}

/// Predicts the rollout: launches succeed, become ready and leave as estimated, nobody fails, gates pass as soon as
/// their time has come. Returns the timeline and when its last event happens.
pub(super) fn forecast(
    mut state: RolloutState,
    start: Timestamp,
    estimates: &Estimates,
) -> Result<(Vec<PlannedStep>, Duration), IllegalTransition> {
    let mut timeline = Vec::new();
    let mut coming: BTreeMap<Timestamp, Vec<Coming>> = BTreeMap::new();
    let mut now = start;
    // What is not ready yet at the start is predicted like a launch.
    for member in state.members() {
        if matches!(member.condition, Condition::Launching | Condition::Suspect { .. }) {
            coming.entry(now + estimates.launch_to_ready).or_default().push(Coming::Ready(member.seat));
        }
    }
    loop {
        record_due(&mut state, now, start, &mut timeline)?;
        state.settle(now);
        match decide(&state, now) {
            Decision::Act(steps) => {
                for step in steps {
                    act(&mut state, step, now, estimates, &mut coming, |event| {
                        timeline.push(PlannedStep { at: now.since(start), event });
                    })?;
                }
                continue;
            }
            Decision::Wait(_) => {}
            // Failure is not predicted: a deadline that the estimates break ends the preview there.
            Decision::TurnBack(_) | Decision::End(_) | Decision::Done(_) => break,
        }
        if pass_gates(&mut state)? {
            continue;
        }
        let predicted = coming.first_key_value().map(|(at, _)| *at);
        let Some(next) = predicted.into_iter().chain(next_due(&state, now)).min() else { break };
        now = next;
        while let Some(entry) = coming.first_entry().filter(|entry| *entry.key() <= now) {
            for event in entry.remove() {
                happen(&mut state, event, now, |event| {
                    timeline.push(PlannedStep { at: now.since(start), event });
                })?;
            }
        }
    }
    Ok((timeline, now.since(start)))
}

fn record_due(
    state: &mut RolloutState,
    now: Timestamp,
    start: Timestamp,
    timeline: &mut Vec<PlannedStep>,
) -> Result<(), IllegalTransition> {
    for (seat, observation) in due(state, now) {
        if observation == Observation::Available {
            timeline.push(PlannedStep { at: now.since(start), event: PlannedEvent::Available { seat } });
        }
        state.observed(seat, observation, now)?;
    }
    Ok(())
}

fn act(
    state: &mut RolloutState,
    step: Step,
    now: Timestamp,
    estimates: &Estimates,
    coming: &mut BTreeMap<Timestamp, Vec<Coming>>,
    mut planned: impl FnMut(PlannedEvent),
) -> Result<(), IllegalTransition> {
    let op = state.next_op();
    match step {
        Step::Launch { seat, zone, image } => {
            planned(PlannedEvent::Launch { seat, zone: zone.clone(), image });
            state.launch_intended(op, seat, zone, image, now)?;
            if let Some(OpenOp::Launch { token, .. }) = state.open.get(&op) {
                let instance = InstanceId::new(format!("predicted-{token}"))
                    .map_err(|error| IllegalTransition::new(error.to_string()))?;
                state.launched(op, instance, now)?;
            }
            coming.entry(now + estimates.launch_to_ready).or_default().push(Coming::Ready(seat));
        }
        Step::Retire { seat } => {
            planned(PlannedEvent::Retire { seat });
            state.retire_intended(op, seat, now)?;
            coming.entry(now + estimates.drain_to_gone).or_default().push(Coming::Gone(op, seat));
        }
        Step::Advance { stage } => {
            planned(PlannedEvent::Stage { stage });
            state.advanced(stage, now)?;
        }
    }
    Ok(())
}

fn happen(
    state: &mut RolloutState,
    event: Coming,
    now: Timestamp,
    mut planned: impl FnMut(PlannedEvent),
) -> Result<(), IllegalTransition> {
    match event {
        // It may have been retired before it was ready.
        Coming::Ready(seat) => match state.member(seat).map(|member| &member.condition) {
            Some(Condition::Launching | Condition::Suspect { .. }) => {
                state.observed(seat, Observation::Ready { endpoint: None }, now)
            }
            _ => Ok(()),
        },
        Coming::Gone(op, seat) => {
            planned(PlannedEvent::Gone { seat });
            state.retired(op)
        }
    }
}

/// Approves and passes what the current stage asks of people and checks; says whether anything was new.
fn pass_gates(state: &mut RolloutState) -> Result<bool, IllegalTransition> {
    if state.complete_since.is_none() {
        return Ok(false);
    }
    let mut new = false;
    for gate in state.stage().1.gates.clone() {
        match gate {
            GateSpec::Approval(name) if !state.approvals.contains(&name) => {
                state.approved(name);
                new = true;
            }
            GateSpec::Check(name) if !state.judgements.contains_key(&name) => {
                let predicted = Judgement::new(Verdict::Pass, "forecast", "assumed");
                state.judged(state.stage().0, name, predicted)?;
                new = true;
            }
            GateSpec::Approval(_) | GateSpec::Check(_) | GateSpec::Bake(_) => {}
        }
    }
    Ok(new)
}
