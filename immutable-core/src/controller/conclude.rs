//! What came of the calls that were begun.

use super::ControllerError;
use super::act::Finished;
use super::run::{Call, Run};
use crate::error::{Retry, with_causes};
use crate::fleet::FleetError;
use crate::gate::Verdict;
use crate::journal::{Outcome, Record};
use crate::planner::{OpId, OpenOp};
use crate::time::Timestamp;

impl Run<'_> {
    pub(super) fn finish(&mut self, finished: Finished) -> Result<(), ControllerError> {
        let now = self.now();
        match finished {
            Finished::Launched(results) => {
                for (op, result) in results {
                    let outcome = match result {
                        Ok(launched) => Ok(Outcome::Launched { instance: launched.instance }),
                        // The platform refused it for good, or has no room for what is no longer wanted: nothing exists
                        // under this token.
                        Err(error)
                            if error.retry() == Retry::Never
                                || self.is_moot(op, &error)
                                || seeded!(TimeoutIsFailure) =>
                        {
                            Ok(Outcome::Failed { reason: with_causes(&error) })
                        }
                        Err(error) => Err(error),
                    };
                    self.conclude(op, outcome, "launch an instance", now)?;
                }
            }
            Finished::Terminated(results) => {
                for (op, result) in results {
                    let outcome = result.map(|_| Outcome::Gone);
                    let outcome = seeded!(TimeoutIsGone => outcome.or(Ok(Outcome::Gone)); else outcome);
                    self.conclude(op, outcome, "terminate an instance", now)?;
                }
            }
            Finished::Told | Finished::Kept(Ok(_)) => {}
            Finished::Kept(Err(error)) => self.trouble("write a checkpoint", &error),
            Finished::Judged(stage, gate, result) => {
                self.asked.remove(&gate);
                let again = Retry::After(self.controller.options.poll);
                match result {
                    Ok(judgement) if judgement.verdict == Verdict::Wait && !seeded!(WaitIsPass) => {
                        self.backoff.failed(Call::Gate(gate), again, now);
                    }
                    // A verdict on a stage that is past or no longer complete, or after the end, is worth nothing.
                    Ok(judgement) => {
                        let state = self.state()?;
                        let is_open = state.conclusion().is_none() && state.complete_since().is_some();
                        #[cfg(seeded_bugs)]
                        let judgement = seeded!(WaitIsPass => passing(judgement); else judgement);
                        if is_open && state.stage().0 == stage {
                            self.record(Record::Gate { stage, gate, judgement }, now)?;
                        }
                    }
                    Err(error) => {
                        self.backoff.failed(Call::Gate(gate), error.retry, now);
                        self.trouble("ask a check", &error);
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether a launch failed that nobody wants any more, and certainly created nothing.
    fn is_moot(&self, op: OpId, error: &FleetError) -> bool {
        let Some(state) = self.journal.state() else { return false };
        let wanted = |seat| state.member(seat).is_some_and(|member| member.image == state.wanted());
        let seat = state.open_ops().find_map(|(open, what)| match what {
            OpenOp::Launch { seat, .. } if open == op => Some(*seat),
            _ => None,
        });
        matches!(error, FleetError::NoCapacity { .. })
            && seat.is_some_and(|seat| state.is_ending() || !wanted(seat))
    }

    /// A refusal of the wanted image is a failure of the rollout, and so they come to an end. One of any other image fails
    /// nothing: the next attempt must not follow at once and without end.
    fn space_refusals(&mut self, op: OpId, outcome: &Outcome, now: Timestamp) -> Result<(), ControllerError> {
        let state = self.state()?;
        let seat = state.open_ops().find_map(|(open, what)| match what {
            OpenOp::Launch { seat, .. } if open == op => Some(*seat),
            OpenOp::Launch { .. } | OpenOp::Retire { .. } => None,
        });
        let Some(seat) = seat else { return Ok(()) };
        let is_wanted = state.member(seat).is_some_and(|member| member.image == state.wanted());
        let call = Call::Refused(seat.slot);
        match outcome {
            Outcome::Failed { .. } if !is_wanted => self.backoff.failed(call, Retry::Backoff, now),
            Outcome::Failed { .. } => {}
            Outcome::Launched { .. } | Outcome::Gone => self.backoff.succeeded(&call),
        }
        Ok(())
    }

    fn conclude(
        &mut self,
        op: OpId,
        outcome: Result<Outcome, FleetError>,
        during: &'static str,
        now: Timestamp,
    ) -> Result<(), ControllerError> {
        self.in_flight.remove(&op);
        match outcome {
            Ok(outcome) => {
                self.backoff.succeeded(&Call::Op(op));
                self.stuck.take_if(|(stuck, _)| *stuck == op);
                // A snapshot may have proved it before.
                if self.state()?.open_ops().any(|(open, _)| open == op) {
                    self.space_refusals(op, &outcome, now)?;
                    self.record(Record::Outcome { op, outcome }, now)?;
                }
            }
            Err(error) => {
                self.backoff.failed(Call::Op(op), error.retry(), now);
                self.trouble(during, &error);
                if error.retry() == Retry::Never {
                    self.stuck = Some((op, error));
                }
            }
        }
        Ok(())
    }
}

#[cfg(seeded_bugs)]
fn passing(mut judgement: crate::gate::Judgement) -> crate::gate::Judgement {
    if judgement.verdict == Verdict::Wait {
        judgement.verdict = Verdict::Pass;
    }
    judgement
}
