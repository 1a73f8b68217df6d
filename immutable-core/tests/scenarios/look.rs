//! What a look at the platform makes the controller record.

use immutable_core::Timestamp;
use immutable_core::fleet::{Health, Instance, Phase};
use immutable_core::gate::{GateSpec, Judgement, Verdict};
use immutable_core::journal::{Fact, Record};
use immutable_core::plan::Seat;
use immutable_core::planner::{Cause, Condition, Due, Member, Observation, RolloutState, due};

use crate::script::Script;
use crate::world::{MISSING_FOR, World};

/// Members that look otherwise than the journal says.
pub(crate) fn members(state: &RolloutState, world: &World) -> Vec<Record> {
    let mut records = Vec::new();
    for (id, member) in state.instances() {
        let instance = world.machines.get(id).map(|machine| &machine.instance);
        let observation = match instance {
            Some(instance) if world.dark.contains(&instance.zone) => {
                was_ready(&member).then_some(Observation::Suspect)
            }
            Some(instance) => seen(&member, instance),
            None => missing(&member, world.now),
        };
        let seat = member.seat;
        records.extend(observation.map(|observation| Record::Fact(Fact::Observed { seat, observation })));
        if let Some(standing) = instance.map(|instance| instance.standing)
            && state.sets_apart(standing) != member.is_apart
        {
            records.push(Record::Fact(Fact::Standing { seat, standing }));
        }
    }
    records
}

fn was_ready(member: &Member<'_>) -> bool {
    matches!(member.condition, Condition::Ready { .. } | Condition::Available)
}

fn seen(member: &Member<'_>, instance: &Instance) -> Option<Observation> {
    let waits = matches!(member.condition, Condition::Launching { .. } | Condition::Suspect { .. });
    match &instance.phase {
        Phase::Running(Health::Ready) => waits.then_some(Observation::Ready { endpoint: None }),
        Phase::Running(Health::Unready | Health::Unknown) | Phase::Launching => {
            was_ready(member).then_some(Observation::Suspect)
        }
        Phase::Stopped { reason } => {
            (waits || was_ready(member)).then(|| Observation::Broken(Cause::Stopped(reason.clone())))
        }
        Phase::Stopping => None,
    }
}

fn missing(member: &Member<'_>, now: Timestamp) -> Option<Observation> {
    match member.condition {
        Condition::Suspect { since } if now.since(since) >= MISSING_FOR => {
            Some(Observation::Broken(Cause::Missing))
        }
        _ => was_ready(member).then_some(Observation::Suspect),
    }
}

/// Instances that nobody knows, each with the seat it gets.
pub(crate) fn strangers(state: &RolloutState, world: &World) -> Vec<Record> {
    let instances = world.machines.values().map(|machine| &machine.instance);
    let unknown = instances.filter(|instance| {
        state.member_of(&instance.id).is_none()
            && !state.is_gone(&instance.id)
            && !state.leaves_alone(instance.standing)
    });
    let first = state.surplus_seat().slot.0;
    let found = |(slot, instance): (u32, &Instance)| {
        Record::Fact(Fact::Found { seat: Seat::new(slot, 0), instance: Box::new(instance.clone()) })
    };
    (first..).zip(unknown).map(found).collect()
}

/// What time alone has changed.
pub(crate) fn time(state: &RolloutState, now: Timestamp) -> Vec<Record> {
    let fact = |due| match due {
        Due::Member(seat, observation) => Fact::Observed { seat, observation },
        Due::Rested(slot) => Fact::Rested { slot },
        Due::Window { open } => Fact::Window { open },
    };
    due(state, now).into_iter().map(|due| Record::Fact(fact(due))).collect()
}

/// What the checks of the current stage say.
pub(crate) fn checks(state: &RolloutState, script: &Script, now: Timestamp) -> Vec<Record> {
    let (number, stage) = state.stage();
    if state.complete_since().is_none() {
        return Vec::new();
    }
    let verdict = |gate: &GateSpec| {
        let GateSpec::Check(name) = gate else { return None };
        let answers = script.checks.get(name).into_iter().flatten();
        let answer = answers.rev().find(|answer| script.start + answer.from <= now)?;
        let is_new = state.judgement(name).is_none() && answer.says != Verdict::Wait;
        let judgement =
            Judgement::new(answer.says, "the script", format!("{:?}", answer.says).to_lowercase());
        is_new.then(|| Record::Gate { stage: number, gate: name.clone(), judgement })
    };
    stage.gates.iter().filter_map(verdict).collect()
}
