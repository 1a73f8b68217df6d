//! The kernel folded over a predicted world.

use std::collections::BTreeMap;
use std::time::Duration;

use super::board::Phase;
use super::decide::choose;
use super::steps::Choice;
use super::{Decision, IllegalTransition, RolloutState, explain, next_due};
use crate::gate::{GateSpec, Judgement, Verdict};
use crate::plan::{Adopted, Estimates, PlanReport, RolloutSpec, Seat, Timeline};
use crate::time::Timestamp;

/// What will happen if nothing goes wrong.
pub(super) struct Forecast {
    pub(super) timeline: Timeline,
    /// When the last event happens.
    pub(super) makespan: Duration,
    /// Why it is not finished then, if it is not.
    pub(super) unfinished: Option<PlanReport>,
}

/// What the predicted world does next, at its time.
enum Coming {
    Ready(Seat),
    Available(Seat),
    Gone(Seat),
}

/// A world in which launches succeed, become ready and leave as estimated, nobody fails, and gates pass as soon as their
/// time has come. It knows its instances by their seats only.
struct World<'e> {
    state: RolloutState,
    estimates: &'e Estimates,
    start: Timestamp,
    now: Timestamp,
    coming: BTreeMap<Timestamp, Vec<Coming>>,
    timeline: Timeline,
}

/// Predicts the rollout.
pub(super) fn forecast(
    spec: RolloutSpec,
    initial: &[Adopted],
    start: Timestamp,
    estimates: &Estimates,
) -> Result<Forecast, IllegalTransition> {
    let mut state = RolloutState::empty(spec, initial, start)?;
    for adopted in initial {
        state.adopt(adopted, start)?;
    }
    state.board.sort();
    // Most are launched, available, retired and gone once.
    let timeline = Timeline::with_capacity(4 * initial.len());
    let mut world = World { state, estimates, start, now: start, coming: BTreeMap::new(), timeline };
    world.expect_initial();
    world.run()
}

impl World<'_> {
    fn run(mut self) -> Result<Forecast, IllegalTransition> {
        let mut unfinished = None;
        loop {
            self.state.windowed(self.state.calendar_is_open(self.now), self.now);
            self.state.settle(self.now);
            match choose(&self.state, self.now) {
                Ok(choices) => {
                    self.act(&choices)?;
                    continue;
                }
                Err(Decision::Wait | Decision::Act(_)) => {}
                // Failure is not predicted: a deadline that the estimates break ends the preview there.
                Err(Decision::TurnBack(_) | Decision::End(_)) => {
                    unfinished = Some(explain(&self.state, self.now));
                    break;
                }
                Err(Decision::Done(_) | Decision::NextTarget) => break,
            }
            if self.pass_gates()? {
                continue;
            }
            let predicted = self.coming.first_key_value().map(|(at, _)| *at);
            let due = next_due(&self.state, self.now);
            // Nothing will happen any more but the deadline.
            if predicted.is_none() && (due.is_none() || due == super::due::progress_deadline(&self.state)) {
                unfinished = Some(explain(&self.state, self.now));
                break;
            }
            let Some(next) = predicted.into_iter().chain(due).min() else { break };
            self.now = next;
            while let Some(entry) = self.coming.first_entry().filter(|entry| *entry.key() <= self.now) {
                let events = entry.remove();
                self.happen(&events);
            }
        }
        let timeline = self.timeline.finish(self.state.roster.zones(), self.state.roster.images());
        Ok(Forecast { timeline, makespan: self.now.since(self.start), unfinished })
    }

    /// What is not ready yet at the start is predicted like a launch.
    fn expect_initial(&mut self) {
        let mut expected = Vec::new();
        for cell in self.state.board.cells().filter(|cell| !cell.fixed) {
            match cell.phase {
                Phase::Launching | Phase::Suspect => {
                    expected.push((self.now + self.estimates.launch_to_ready, Coming::Ready(cell.seat)));
                }
                Phase::Ready => {
                    let at = cell.since + self.state.goal.limits.min_ready;
                    expected.push((at.max(self.now), Coming::Available(cell.seat)));
                }
                Phase::Intended | Phase::Available | Phase::Broken | Phase::Retiring => {}
            }
        }
        for (at, event) in expected {
            self.coming.entry(at).or_default().push(event);
        }
    }

    fn act(&mut self, choices: &[Choice]) -> Result<(), IllegalTransition> {
        let at = self.now.since(self.start);
        // Many of a kind follow each other, and their outcomes come together.
        for alike in choices.chunk_by(|a, b| std::mem::discriminant(a) == std::mem::discriminant(b)) {
            let lasts = match alike[0] {
                Choice::Launch { .. } => self.estimates.launch_to_ready,
                Choice::Retire { .. } => self.estimates.drain_to_gone,
                Choice::Shift { share } => {
                    self.state.shifted(share, self.now)?;
                    self.timeline.shift(at, share);
                    continue;
                }
                Choice::Advance { stage } => {
                    self.state.advanced(stage, self.now)?;
                    self.timeline.stage(at, stage);
                    continue;
                }
            };
            let coming = self.coming.entry(self.now + lasts).or_default();
            coming.reserve(alike.len());
            for choice in alike {
                match *choice {
                    Choice::Launch { seat, zone, image } => {
                        let image = self.state.roster.image(image)?;
                        self.state.launch(seat, zone, image, Phase::Launching, self.now);
                        coming.push(Coming::Ready(seat));
                        self.timeline.launch(at, seat, zone.into(), image.into());
                    }
                    Choice::Retire { id, seat } => {
                        self.state.retire(id, self.now);
                        coming.push(Coming::Gone(seat));
                        self.timeline.retire(at, seat);
                    }
                    Choice::Shift { .. } | Choice::Advance { .. } => {}
                }
            }
        }
        Ok(())
    }

    /// What comes at one moment.
    fn happen(&mut self, events: &[Coming]) {
        let at = self.now.since(self.start);
        let available_at = self.now + self.state.goal.limits.min_ready;
        let mut ready = Vec::new();
        for event in events {
            let (Coming::Ready(seat) | Coming::Available(seat) | Coming::Gone(seat)) = *event;
            let Some(id) = self.state.board.find(seat) else { continue };
            let phase = self.state.board.cell(id).phase;
            match event {
                // It may have been retired before it was ready.
                Coming::Ready(_) if !matches!(phase, Phase::Launching | Phase::Suspect) => {}
                Coming::Ready(_) if available_at > self.now => {
                    self.state.board.enter(id, Phase::Ready, self.now);
                    ready.push(Coming::Available(seat));
                }
                Coming::Available(_) if phase != Phase::Ready => {}
                Coming::Ready(_) | Coming::Available(_) => {
                    self.state.board.enter(id, Phase::Available, self.now);
                    self.timeline.available(at, seat);
                }
                Coming::Gone(_) => {
                    self.state.vanish(id);
                    self.timeline.gone(at, seat);
                }
            }
        }
        if !ready.is_empty() {
            self.coming.entry(available_at).or_default().append(&mut ready);
        }
    }

    /// Approves and passes what the current stage asks of people and checks; says whether anything was new.
    fn pass_gates(&mut self) -> Result<bool, IllegalTransition> {
        if self.state.complete_since.is_none() {
            return Ok(false);
        }
        let mut new = false;
        for gate in self.state.stage().1.gates.clone() {
            match gate {
                GateSpec::Approval(name) if !self.state.approvals.contains(&name) => {
                    self.state.approved(name);
                    new = true;
                }
                GateSpec::Check(name) if !self.state.judgements.contains_key(&name) => {
                    let predicted = Judgement::new(Verdict::Pass, "forecast", "assumed");
                    self.state.judged(self.state.stage().0, name, predicted)?;
                    new = true;
                }
                GateSpec::Approval(_) | GateSpec::Check(_) | GateSpec::Bake(_) => {}
            }
        }
        Ok(new)
    }
}
