use super::{Control, Fact, Intent, Outcome, Record};
use crate::planner::{Conclusion, Direction, FailReason, IllegalTransition, RolloutState};
use crate::time::Timestamp;

/// The one transition function.
pub(super) fn transition(
    state: &mut RolloutState,
    record: &Record,
    at: Timestamp,
) -> Result<(), IllegalTransition> {
    match record {
        // Handled by the caller.
        Record::Open { .. } | Record::Claim { .. } | Record::Fact(Fact::TakenUp) => Ok(()),
        Record::Intent { op, intent: Intent::Launch { seat, zone, image, token } } => {
            state.launch_intended(*op, *seat, zone.clone(), *image, at)?;
            if !state.is_token_of(*op, token) {
                return Err(IllegalTransition::new(format!("{op} launches {seat} with a foreign token")));
            }
            Ok(())
        }
        Record::Intent { op, intent: Intent::Retire { seat } } => state.retire_intended(*op, *seat, at),
        Record::Outcome { op, outcome: Outcome::Launched { instance } } => {
            state.launched(*op, instance.clone(), at)
        }
        Record::Outcome { op, outcome: Outcome::Failed { reason } } => state.launch_failed(*op, reason, at),
        Record::Outcome { op, outcome: Outcome::Gone } => state.retired(*op),
        Record::Fact(Fact::Observed { seat, observation }) => state.observed(*seat, observation.clone(), at),
        Record::Fact(Fact::Found { seat, instance }) => state.found(*seat, instance, at),
        Record::Fact(Fact::Marked { seat, reason }) => state.marked(*seat, *reason),
        Record::Fact(Fact::Standing { seat, standing }) => state.set_apart(*seat, *standing, at),
        Record::Fact(Fact::Revoked { image }) => {
            state.revoked(*image);
            Ok(())
        }
        Record::Fact(Fact::Window { open }) => {
            state.windowed(*open, at);
            Ok(())
        }
        Record::Fact(Fact::Rested { slot }) => {
            state.rested(*slot);
            Ok(())
        }
        Record::Shift { share } => state.shifted(*share, at),
        Record::NextTarget => state.next_target(at),
        Record::Gate { stage, gate, judgement } => state.judged(*stage, gate.clone(), judgement.clone()),
        Record::Control(control) => {
            say(state, control, at);
            Ok(())
        }
        Record::Stage { stage } => state.advanced(*stage, at),
        Record::TurnBack { reason } => state.turned_back(reason.clone(), at),
        Record::End { conclusion } => state.ending(conclusion.clone()),
        Record::Close { conclusion } => state.closed(conclusion.clone()),
    }
}

/// What a person says is always legal; said too late it has no effect.
fn say(state: &mut RolloutState, control: &Control, at: Timestamp) {
    match control {
        Control::Pause => state.paused(),
        Control::Resume => state.resumed(at),
        Control::Approve { name } => state.approved(name.clone()),
        Control::Resize { desired } => state.resized(*desired, at),
        Control::Retarget { target } => state.retarget(*target, at),
        Control::Limits { limits } => state.relimited((**limits).clone(), at),
        Control::Floor { available } => state.floored(*available, at),
        Control::Replace { seat } => state.replacement_asked(*seat),
        Control::Abort => {
            seeded!(AbortPauses => return state.paused());
            let _ = state.ending(Conclusion::Aborted);
        }
        Control::Rollback => {
            if *state.direction() == Direction::Forward {
                let reason = FailReason::Requested;
                // With nothing to go back to, the best answer is to stop where it stands.
                let _ = match state.way_back() {
                    Some(_) => state.turned_back(reason, at),
                    None => state.ending(state.stands(reason)),
                };
            }
        }
    }
}
