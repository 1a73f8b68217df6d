use super::board::Places;
use super::due::progress_deadline;
use super::state::Run;
use super::steps::{Choice, choices, leftovers};
use super::{Conclusion, Direction, FailReason, RolloutState};
use crate::calendar::{Calendar, OnClose};
use crate::digest::Digest;
use crate::gate::{GateSpec, Verdict};
use crate::id::{Slot, Zone};
use crate::plan::{OnFailure, Step};
use crate::time::Timestamp;

/// What to do now.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decision {
    /// Do these, in any order.
    Act(Vec<Step>),
    /// Nothing can be done now; [`explain`](super::explain) says why.
    Wait,
    /// The target is reached and another one was asked for: begin with it.
    NextTarget,
    /// It failed: go back to the previous image.
    TurnBack(FailReason),
    /// Begin nothing more, finish what was begun, take away what was launched and does not serve, and end like this.
    End(Conclusion),
    /// It is over; nothing is open.
    Done(Conclusion),
}

/// The decision kernel: what may and should be done in this state at this time.
///
/// Called again after its decision was recorded in the state, it goes on from there; it has had its say when it answers
/// [`Decision::Wait`] or [`Decision::Done`]. It decides only by the state, in which every fact is committed, so the
/// same journal gives the same decisions. Its cost grows with what it decides, not with the fleet.
#[must_use]
pub fn decide(state: &RolloutState, now: Timestamp) -> Decision {
    match choose(state, &state.board, now) {
        Ok(choices) => {
            let mut steps = Vec::new();
            choices.into_iter().for_each(|choice| choice.into_steps(state, &mut steps));
            Decision::Act(steps)
        }
        Err(other) => other,
    }
}

/// The decision, with what to do in numbers; as an error where there is nothing to do. The places are those of the state.
#[expect(clippy::result_large_err, reason = "one a decision, and taken apart at once")]
pub(super) fn choose<P: Places>(
    state: &RolloutState,
    places: &P,
    now: Timestamp,
) -> Result<Vec<Choice>, Decision> {
    match &state.run {
        Run::Closed(conclusion) => return Err(Decision::Done(conclusion.clone())),
        Run::Ending(conclusion) => {
            let leftovers = leftovers(state, places, now);
            return match leftovers.is_empty() {
                false => Ok(leftovers),
                true if state.open.is_empty() || seeded!(ClosedWhileOpen) => {
                    Err(Decision::Done(conclusion.clone()))
                }
                true => Err(Decision::Wait),
            };
        }
        Run::Paused | Run::Running => {}
    }
    if let Some(reason) = failure(state, now) {
        return Err(respond(state, reason));
    }
    if state.run == Run::Paused {
        return Err(Decision::Wait);
    }
    if state.is_forward() && state.is_no_op() {
        return Err(Decision::Done(Conclusion::Completed));
    }
    let choices = choices(state, places, now);
    if !choices.is_empty() {
        return Ok(choices);
    }
    let Some(since) = state.complete_since else { return Err(Decision::Wait) };
    if !state.goal.stages[state.stage].gates.iter().all(|gate| passed(state, gate, since, now)) {
        return Err(Decision::Wait);
    }
    let next = state.stage + 1;
    if next < state.goal.stages.len() {
        return match state.may_advance() {
            true => Ok(vec![Choice::Advance { stage: next }]),
            false => Err(Decision::Wait),
        };
    }
    Err(match &state.direction {
        Direction::Forward if !state.goal.queue.is_empty() => Decision::NextTarget,
        Direction::Forward => Decision::Done(Conclusion::Completed),
        Direction::Back { reason } => Decision::Done(Conclusion::RolledBack { reason: reason.clone() }),
    })
}

/// Whether a gate of the current stage has passed.
pub(super) fn passed(state: &RolloutState, gate: &GateSpec, since: Timestamp, now: Timestamp) -> bool {
    match gate {
        GateSpec::Bake(time) => now.since(since) >= *time || seeded!(BakeSkipped),
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
    let image = state.wanted();
    if state.is_revoked(&image) {
        return Some(FailReason::Revoked { image });
    }
    let limits = &state.goal.limits;
    let failures = &state.failures;
    if let Some((slot, last)) = &failures.last {
        let tolerated = limits.max_failures.round_down(state.goal.budget.desired);
        if failures.count > tolerated {
            let last = last.clone();
            return Some(FailReason::TooManyFailures { failures: failures.count, tolerated, last });
        }
        let zones = u32::try_from(failures.zones.len()).unwrap_or(u32::MAX);
        let is_poisoned =
            |poison: &crate::limits::Poison| failures.count >= poison.failures && zones >= poison.zones;
        if limits.poison.as_ref().is_some_and(is_poisoned) {
            let last = last.clone();
            return Some(FailReason::Poisoned { image, failures: failures.count, zones, last });
        }
        // Only the slot that failed last can have failed too often since the last decision.
        let strikes = failures.by_slot.get(slot).copied().unwrap_or(0);
        if limits.max_retries.is_some_and(|retries| strikes > retries) {
            return Some(FailReason::SlotGivenUp { slot: *slot, failures: strikes, last: last.clone() });
        }
    }
    let failed = state.judgements.iter().find(|(_, judgement)| judgement.verdict == Verdict::Fail);
    if let Some((gate, judgement)) = failed {
        return Some(FailReason::Gate { gate: gate.clone(), judgement: judgement.clone() });
    }
    let is_mixed = state.begun && state.board.counts().old_live > 0;
    if !state.window_open && state.is_forward() && is_mixed && state.on_close() == OnClose::Rollback {
        return Some(FailReason::WindowClosed);
    }
    progress_deadline(state).filter(|deadline| *deadline <= now).map(|_| FailReason::NoProgress)
}

fn respond(state: &RolloutState, reason: FailReason) -> Decision {
    match &state.direction {
        Direction::Forward if state.spec.on_failure == OnFailure::Rollback && state.way_back().is_some() => {
            Decision::TurnBack(reason)
        }
        Direction::Forward => Decision::End(state.stands(reason)),
        Direction::Back { .. } if seeded!(RollbackRolledBack => state.may_flip(); else false) => {
            Decision::TurnBack(reason)
        }
        Direction::Back { reason: first } => {
            Decision::End(Conclusion::Failed { reason: first.clone(), rollback: Some(reason) })
        }
    }
}

impl RolloutState {
    /// The image that a failure leads back to, if there is one that may be launched.
    #[must_use]
    pub fn way_back(&self) -> Option<Digest> {
        self.goal.previous.filter(|image| *image != self.goal.target && !self.is_revoked(image))
    }

    /// How a rollout to the target ends that failed and stands where it is, with what keeps it from going back if it should.
    #[must_use]
    pub fn stands(&self, reason: FailReason) -> Conclusion {
        let revoked = self.goal.previous.filter(|image| self.revoked.contains(image));
        let should = self.spec.on_failure == OnFailure::Rollback || reason == FailReason::Requested;
        let rollback = revoked.filter(|_| should).map(|image| FailReason::Revoked { image });
        Conclusion::Failed { reason, rollback }
    }

    fn is_revoked(&self, image: &Digest) -> bool {
        seeded!(RevokedWayBack => return self.revoked.contains(image) && Some(*image) != self.goal.previous);
        self.revoked.contains(image)
    }

    /// Whether work may be begun that could as well be left undone. The way back does not wait for a calendar.
    pub(super) fn may_begin(&self) -> bool {
        self.may_advance() || self.begun && self.on_close() == OnClose::Finish
    }

    /// Whether the next stage may be begun.
    pub(super) fn may_advance(&self) -> bool {
        self.window_open || !self.is_forward()
    }

    fn on_close(&self) -> OnClose {
        self.spec.calendar.as_ref().map(Calendar::on_close).unwrap_or_default()
    }

    /// How many fresh old ones the stage has to compare the new ones with; none, when there is nothing to launch them from.
    pub(super) fn baseline(&self) -> u32 {
        let may_launch = self.is_forward() && self.way_back().is_some();
        let stage = &self.goal.stages[self.stage];
        // They are a part of the old group, whatever a strategy asks for.
        if may_launch { stage.baseline.min(stage.old).min(self.goal.budget.desired) } else { 0 }
    }

    /// Whether an image may be launched: it is not revoked, and not one more than may exist at once. `brought` is an image
    /// that is launched in the same decision.
    pub(super) fn may_launch(&self, image: Digest, brought: Option<Digest>) -> bool {
        let exists = |image| self.roster.known_image(image).is_some_and(|image| self.board.has_image(image));
        let versions = self.board.versions()
            + usize::from(brought.is_some_and(|brought| brought != image && !exists(brought)));
        let most = |most: u32| seeded!(VersionsOffByOne => most + 1; else most) as usize;
        (!self.is_revoked(&image) || seeded!(RevokedLaunched))
            && (brought == Some(image)
                || exists(image)
                || self.goal.limits.max_versions.is_none_or(|limit| versions < most(limit)))
    }

    /// The number and the name of the zone that a slot belongs to.
    pub(super) fn zone_of(&self, slot: Slot) -> (u16, &Zone) {
        // `open` refuses a specification without zones, and the roster numbers those first.
        let number = slot.0 as usize % self.spec.zones.len();
        (u16::try_from(number).unwrap_or(u16::MAX), &self.spec.zones[number])
    }
}
