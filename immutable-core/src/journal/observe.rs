//! What a snapshot says that the journal does not know yet. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Fact, Outcome, Record};
use crate::fleet::{Health, Instance, Phase, Snapshot};
use crate::id::Token;
use crate::plan::Seat;
use crate::planner::{Cause, Condition, Member, Observation, OpId, OpenOp, RolloutState};
use crate::time::{Skew, Timestamp};

/// How long a member must be missing from every list before it counts as removed by somebody. Lists are late and torn;
/// until then the member is only suspect, which costs nothing but time.
const MISSING_FOR: Duration = Duration::from_secs(5);

/// The launches that this snapshot proves.
///
/// One that is still launching proves nothing: whoever launched it may have died between two steps of it, as between
/// Docker's create and start, and only the repeated launch finishes the rest.
pub(super) fn launches(state: &RolloutState, snapshot: &Snapshot) -> Vec<Record> {
    let open = open_launches(state);
    if open.is_empty() {
        return Vec::new();
    }
    let mut proved = BTreeMap::new();
    for instance in unknown(state, snapshot).filter(|instance| instance.phase != Phase::Launching) {
        let token = instance.origin.as_ref().map(|origin| &origin.token);
        let op = token.and_then(|token| open.get(token));
        #[cfg(seeded_bugs)]
        let op = op.or_else(|| open.get(same_slot(state, instance)?));
        if let Some(op) = op {
            // A platform that launched one token twice: the first in the list is ours, the other is found below.
            proved.entry(*op).or_insert_with(|| instance.id.clone());
        }
    }
    let record = |(op, instance)| Record::Outcome { op, outcome: Outcome::Launched { instance } };
    proved.into_iter().map(record).collect()
}

/// The instances that are neither members nor known to be gone.
fn unknown<'s>(state: &'s RolloutState, snapshot: &'s Snapshot) -> impl Iterator<Item = &'s Instance> {
    // Both are in order of instances, so one walk finds all pairs.
    let mut known = state.instances().map(|(instance, _)| instance).peekable();
    snapshot.instances.iter().map(|instance| &**instance).filter(move |instance| {
        while known.next_if(|known| **known < instance.id).is_some() {}
        known.next_if(|known| **known == instance.id).is_none()
            && (!state.is_gone(&instance.id) || seeded!(LateListRevives))
    })
}

fn open_launches(state: &RolloutState) -> BTreeMap<&Token, OpId> {
    let launches = state.open_ops().filter_map(|(op, open)| match open {
        OpenOp::Launch { token, .. } => Some((token, op)),
        OpenOp::Retire { .. } => None,
    });
    launches.collect()
}

/// What the snapshot shows of members, once the launches it proves are recorded.
pub(super) fn members(state: &RolloutState, snapshot: &Snapshot, now: Timestamp) -> Vec<Record> {
    let mut records = Vec::new();
    // Both are in order of instances, so one walk finds all pairs.
    let mut seen_instances = snapshot.instances.iter().peekable();
    for (id, member) in state.instances() {
        while seen_instances.next_if(|instance| instance.id < *id).is_some() {}
        let instance = seen_instances.next_if(|instance| instance.id == *id);
        let observation = match instance {
            Some(instance) => seen(&member, instance),
            None => unseen(&member, state.limits().healthy_deadline, now),
        };
        let seat = member.seat;
        records.extend(observation.map(|observation| Record::Fact(Fact::Observed { seat, observation })));
        #[cfg(seeded_bugs)]
        records.extend(absent(state, &member, instance.is_some()));
        // Whom somebody has set apart since the last look, or no longer does.
        if let Some(standing) = instance.map(|instance| instance.standing)
            && state.sets_apart(standing) != member.is_apart
        {
            records.push(Record::Fact(Fact::Standing { seat, standing }));
        }
    }
    records
}

/// The instances in the snapshot that are no members, each with the surplus seat it gets.
///
/// An instance of an open launch is no stranger, and one without an origin may be such a one whose labels come late.
pub(super) fn strangers(state: &RolloutState, snapshot: &Snapshot, now: Timestamp) -> Vec<Record> {
    let first = state.surplus_seat().slot.0;
    seeded!(StrangersIgnored => return Vec::new());
    let open = open_launches(state);
    let strangers = unknown(state, snapshot)
        .filter(|instance| !state.leaves_alone(instance.standing))
        .filter(|instance| !seeded!(DuplicatesKept) || instance.origin.is_none())
        .filter(|instance| match &instance.origin {
            Some(origin) => !open.contains_key(&origin.token),
            None => open.is_empty(),
        });
    // The platform dates by a clock of its own.
    let skew = Skew::between(snapshot.taken_at, now);
    let seat = |(number, instance): (u32, &Instance)| {
        let instance = Instance { launched_at: skew.time(instance.launched_at), ..instance.clone() };
        Record::Fact(Fact::Found { seat: Seat::new(number, 0), instance: Box::new(instance) })
    };
    (first..).zip(strangers).map(seat).collect()
}

fn seen(member: &Member<'_>, instance: &Instance) -> Option<Observation> {
    let was_ready = matches!(member.condition, Condition::Ready { .. } | Condition::Available);
    let is_open = matches!(
        member.condition,
        Condition::Launching { .. }
            | Condition::Ready { .. }
            | Condition::Available
            | Condition::Suspect { .. }
    );
    let phase = &instance.phase;
    #[cfg(seeded_bugs)]
    let phase = &trusted(phase);
    match phase {
        Phase::Running(Health::Ready) => {
            matches!(member.condition, Condition::Launching { .. } | Condition::Suspect { .. })
                .then_some(Observation::Ready { endpoint: instance.endpoint })
        }
        Phase::Launching | Phase::Running(Health::Unknown | Health::Unready) => {
            was_ready.then_some(Observation::Suspect)
        }
        Phase::Stopping => {
            is_open.then(|| Observation::Broken(Cause::Stopped("stopped by somebody else".to_owned())))
        }
        Phase::Stopped { reason } => is_open.then(|| Observation::Broken(Cause::Stopped(reason.clone()))),
    }
}

/// Absence from a list proves nothing, so it only makes suspect, until it has lasted. It must last longer for one that is set
/// apart: the proof that it is gone is to stop it, and nobody may. No deadline of its own runs for that one.
fn unseen(member: &Member<'_>, healthy_deadline: Duration, now: Timestamp) -> Option<Observation> {
    let long = if member.is_apart { healthy_deadline.max(MISSING_FOR) } else { MISSING_FOR };
    match member.condition {
        Condition::Launching { since } if member.is_apart && now.since(since) >= long => {
            Some(Observation::Broken(Cause::Missing))
        }
        Condition::Ready { .. } | Condition::Available => {
            seeded!(OneListIsEnough => return Some(Observation::Broken(Cause::Missing)));
            Some(Observation::Suspect)
        }
        Condition::Suspect { since } if now.since(since) >= long => Some(Observation::Broken(Cause::Missing)),
        // A new one may not be listed yet; the healthy deadline ends the wait.
        Condition::Launching { .. }
        | Condition::Suspect { .. }
        | Condition::Broken
        | Condition::Retiring { .. } => None,
    }
}

/// The token of the launch that is open in the slot of an instance.
#[cfg(seeded_bugs)]
fn same_slot<'s>(state: &'s RolloutState, instance: &Instance) -> Option<&'s Token> {
    let slot = instance.origin.as_ref().filter(|_| seeded!(LabelsBySlot))?.slot;
    state.open_ops().find_map(|(_, open)| match open {
        OpenOp::Launch { seat, token } if seat.slot == slot => Some(token),
        _ => None,
    })
}

/// What is leaving and not listed is gone.
#[cfg(seeded_bugs)]
fn absent(state: &RolloutState, member: &Member<'_>, is_listed: bool) -> Option<Record> {
    let is_retirement = |open: &OpenOp| matches!(open, OpenOp::Retire { seat, .. } if *seat == member.seat);
    let (op, _) = state.open_ops().find(|(_, open)| is_retirement(open))?;
    (seeded!(AbsenceIsGone) && !is_listed).then_some(Record::Outcome { op, outcome: Outcome::Gone })
}

#[cfg(seeded_bugs)]
fn trusted(phase: &Phase) -> Phase {
    match phase {
        Phase::Running(Health::Unknown) if seeded!(UnknownIsReady) => Phase::Running(Health::Ready),
        phase => phase.clone(),
    }
}
