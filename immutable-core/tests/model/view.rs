//! What a controller knows: the journal as far as it has read it.

use immutable_core::journal::{Decided, Fold, Outcome, Record};
use immutable_core::plan::Seat;
use immutable_core::planner::{
    Conclusion, Condition, Direction, IllegalTransition, Member, OpId, OpenOp, RolloutState,
};

use crate::platform::{Call, Life, Name, Platform, Spent};
use crate::setting::{self, Setting};

/// The fold of a journal, with what the search needs of it at hand.
#[derive(Clone, Debug)]
pub(crate) struct View {
    pub(crate) fold: Fold,
    /// The calls that its open intents stand for, whoever makes them.
    pub(crate) calls: Vec<(OpId, Call)>,
    pub(crate) key: Vec<u8>,
}

impl View {
    pub(crate) fn of(fold: Fold, clock: u32) -> Self {
        let state = state(&fold);
        let calls = state.open_ops().map(|(op, open)| (op, call(state, open))).collect();
        Self { calls, key: key(state, clock), fold }
    }

    pub(crate) fn state(&self) -> &RolloutState {
        state(&self.fold)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.state().conclusion().is_some()
    }

    pub(crate) fn member(&self, name: Name) -> Option<Member<'_>> {
        self.state().member(seat(name))
    }

    /// Members on which a deadline runs: those that are suspect, and those that are launching.
    pub(crate) fn waits_for(&self) -> (bool, impl Iterator<Item = Name>) {
        let launching = self.state().members().filter(|member| {
            matches!(member.condition, Condition::Launching { .. }) && member.instance.is_some()
        });
        let is_suspect = |member: Member<'_>| matches!(member.condition, Condition::Suspect { .. });
        (self.state().members().any(is_suspect), launching.map(|member| name(member.seat)))
    }

    /// Whether a launch of this attempt was committed.
    pub(crate) fn has_intended(&self, name: Name) -> bool {
        self.state().next_seat(seat(name).slot).attempt > seat(name).attempt
    }
}

pub(crate) fn seat(name: Name) -> Seat {
    Seat::new(name.slot.into(), name.attempt.into())
}

pub(crate) fn name(seat: Seat) -> Name {
    let small = |number| u8::try_from(number).unwrap();
    Name { slot: small(seat.slot.0), attempt: small(seat.attempt.0), nonce: 0 }
}

fn state(fold: &Fold) -> &RolloutState {
    fold.state().unwrap()
}

fn call(state: &RolloutState, open: &OpenOp) -> Call {
    match open {
        OpenOp::Launch { seat, .. } => {
            let is_new = state.member(*seat).unwrap().image == setting::new_image();
            Call::Launch { name: name(*seat), is_new }
        }
        // What is stopped is named by the platform's identifier.
        OpenOp::Retire { seat, instance } => {
            let nonce = instance.as_str().rsplit_once('-').unwrap().1.parse().unwrap();
            Call::Terminate { name: Name { nonce, ..name(*seat) } }
        }
        other => unreachable!("{other:?}"),
    }
}

/// What tells states apart: everything a decision reads, but for times that are only compared with one that never comes.
fn key(state: &RolloutState, clock: u32) -> Vec<u8> {
    let back = *state.direction() != Direction::Forward;
    let mut key = vec![
        u8::try_from(state.stage().0).unwrap(),
        u8::from(back) + 2 * u8::from(state.is_ending()) + 4 * u8::from(state.conclusion().is_some()),
        u8::from(state.complete_since().is_some()),
    ];
    for member in state.members() {
        let condition = match member.condition {
            Condition::Launching { since } if member.instance.is_some() && since < setting::at(clock) => 7,
            Condition::Launching { .. } => 0,
            Condition::Ready { .. } => 1,
            Condition::Available => 2,
            // For so long that a deadline is over, or a list without it proves something.
            Condition::Suspect { since } if since < setting::at(clock) => 3,
            Condition::Suspect { .. } => 4,
            Condition::Broken => 5,
            Condition::Retiring { .. } => 6,
        };
        let flags = [member.image == setting::new_image(), member.instance.is_some(), member.in_service];
        let Name { slot, attempt, .. } = name(member.seat);
        key.extend([slot, attempt, flags.iter().fold(condition, |code, flag| code * 2 + u8::from(*flag))]);
    }
    key
}

/// What a controller adds to the journal in a turn.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) fold: Fold,
    pub(crate) is_empty: bool,
}

impl Draft {
    pub(crate) const fn of(fold: Fold) -> Self {
        Self { fold, is_empty: true }
    }

    pub(crate) fn add(&mut self, record: &Record, clock: u32) -> Result<(), IllegalTransition> {
        self.is_empty = false;
        self.fold.record(record, setting::at(clock))
    }

    /// What a list shows.
    pub(crate) fn look(&mut self, list: &Platform, clock: u32) -> Result<(), IllegalTransition> {
        self.is_empty &= self.fold.observe(&list.list(), setting::at(clock))?.is_empty();
        Ok(())
    }

    /// The answer of the platform to an open call, if it has one.
    pub(crate) fn answer(
        &mut self,
        op: OpId,
        call: Call,
        platform: &Platform,
        clock: u32,
    ) -> Result<(), IllegalTransition> {
        let outcome = match call {
            Call::Launch { name, .. } => match (platform.machine(name), platform.spent(name)) {
                (Some(_), _) | (None, Some(Spent::Removed)) => {
                    Some(Outcome::Launched { instance: instance_id(name) })
                }
                (None, Some(Spent::Refused)) => Some(failed()),
                (None, None) => None,
            },
            Call::Terminate { name } => platform.machine(name).is_none().then_some(Outcome::Gone),
        };
        match outcome {
            Some(outcome) => self.add(&Record::Outcome { op, outcome }, clock),
            None => Ok(()),
        }
    }

    /// Takes every open launch that `fails` for failed, without a proof.
    pub(crate) fn give_up(
        &mut self,
        fails: impl Fn(Call) -> bool,
        clock: u32,
    ) -> Result<(), IllegalTransition> {
        for (op, call) in View::of(self.fold.clone(), clock).calls {
            if fails(call) {
                let outcome = match call {
                    Call::Launch { .. } => failed(),
                    Call::Terminate { .. } => Outcome::Gone,
                };
                self.add(&Record::Outcome { op, outcome }, clock)?;
            }
        }
        Ok(())
    }

    /// What is due and what is to be done, and the end if it is reached.
    pub(crate) fn decide(&mut self, clock: u32) -> Result<(), IllegalTransition> {
        self.is_empty &= self.fold.fall_due(setting::at(clock))?.is_empty();
        let (records, decided) = self.fold.decide(setting::at(clock))?;
        self.is_empty &= records.is_empty();
        match decided {
            Decided::Wait => Ok(()),
            Decided::Done(conclusion) => self.add(&Record::Close { conclusion }, clock),
        }
    }
}

fn failed() -> Outcome {
    Outcome::Failed { reason: "refused".to_owned() }
}

fn instance_id(name: Name) -> immutable_core::InstanceId {
    crate::platform::instance_id(name.slot.into(), name.attempt.into(), name.nonce)
}

/// The state at the end, held against what really exists. Where machines may fail, one may have done so unseen.
pub(crate) fn end_is_true(view: &View, platform: &Platform, setting: &Setting) -> Result<(), String> {
    let (conclusion, machines) = (view.state().conclusion(), &platform.machines);
    let wrong = |what: &str| Err(format!("{what}: it is over as {conclusion:?} with {machines:?}"));
    let wanted = match conclusion {
        Some(Conclusion::Completed) => true,
        Some(Conclusion::RolledBack { .. }) => false,
        // Nothing more is said of it than of every world: each machine is a member.
        Some(Conclusion::Aborted) => return Ok(()),
        _ => return wrong("unexpected"),
    };
    if machines.iter().any(|machine| machine.is_new != wanted || machine.life == Life::Launching) {
        return wrong("not what was wanted");
    }
    let members = view.state().members().count();
    if members != setting.desired as usize {
        return wrong("not as many members as desired");
    }
    if machines.len() != members && !setting.faults.hurt_machines() {
        return wrong("not as many as desired");
    }
    Ok(())
}
