//! What time alone changes.

use super::state::Run;
use super::{Cause, Condition, Member, Observation, RolloutState};
use crate::gate::GateSpec;
use crate::plan::Seat;
use crate::time::Timestamp;

/// The changes of members that are due by now because time has passed: the minimum ready time is over, or the healthy
/// deadline.
#[must_use]
pub fn due(state: &RolloutState, now: Timestamp) -> Vec<(Seat, Observation)> {
    state
        .members
        .values()
        .filter_map(|member| {
            let (at, observation) = next(state, member)?;
            (at <= now).then_some((member.seat, observation))
        })
        .collect()
}

/// When time alone will next change a decision, after `now` and if nothing else happens before.
#[must_use]
pub fn next_due(state: &RolloutState, now: Timestamp) -> Option<Timestamp> {
    let members = state.members.values().filter_map(|member| next(state, member)).map(|(at, _)| at);
    let bakes = state.complete_since.into_iter().flat_map(|since| {
        state.stages[state.stage].gates.iter().filter_map(move |gate| match gate {
            GateSpec::Bake(time) => Some(since + *time),
            GateSpec::Approval(_) | GateSpec::Check(_) => None,
        })
    });
    members.chain(bakes).chain(progress_deadline(state)).filter(|at| *at > now).min()
}

/// When the rollout counts as stuck, if nothing moves before. A rollout that waits for a gate, a person or its end is
/// not stuck.
pub(super) fn progress_deadline(state: &RolloutState) -> Option<Timestamp> {
    (state.run == Run::Running && state.complete_since.is_none())
        .then(|| state.progressed_at + state.spec.limits.progress_deadline)
}

fn next(state: &RolloutState, member: &Member) -> Option<(Timestamp, Observation)> {
    let limits = &state.spec.limits;
    let expired = Observation::Broken(Cause::HealthyDeadline);
    match member.condition {
        // An unconfirmed launch is an obligation of the platform's; there is nothing yet that could be broken.
        Condition::Launching if member.instance.is_none() => None,
        Condition::Launching => Some((member.launched_at + limits.healthy_deadline, expired)),
        Condition::Suspect { since } => Some((since + limits.healthy_deadline, expired)),
        Condition::Ready { since } => Some((since + limits.min_ready, Observation::Available)),
        Condition::Available | Condition::Broken { .. } | Condition::Retiring { .. } => None,
    }
}
