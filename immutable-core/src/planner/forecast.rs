//! The kernel folded over a predicted world.

use std::collections::BTreeMap;
use std::time::Duration;

use super::board::Phase;
use super::decide::choose;
use super::due::next_work;
use super::steps::Choice;
use super::{Decision, FailReason, IllegalTransition, RolloutState, explain, next_due};
use crate::gate::{GateSpec, Judgement, Verdict};
use crate::plan::{
    Adopted, Estimates, OnFailure, PlanReport, PlannedEvent, RollbackPlan, RolloutSpec, Seat, Timeline,
};
use crate::time::Timestamp;

/// What will happen if nothing goes wrong.
pub(super) struct Forecast {
    pub(super) timeline: Timeline,
    /// When the last event happens.
    pub(super) makespan: Duration,
    /// Why it is not finished then, if it is not.
    pub(super) unfinished: Option<PlanReport>,
    /// What going back costs from each stage, where a failure leads back.
    pub(super) rollbacks: Vec<RollbackPlan>,
}

/// What the predicted world does next, at its time.
enum Coming {
    Ready(Seat),
    Available(Seat),
    Gone(Seat),
}

/// A world in which launches succeed, become ready and leave as estimated, nobody fails, and gates pass as soon as their
/// time has come. It knows its instances by their seats only.
struct World {
    state: RolloutState,
    estimates: Estimates,
    start: Timestamp,
    now: Timestamp,
    coming: BTreeMap<Timestamp, Vec<Coming>>,
    timeline: Timeline,
    /// More events than any rollout of this size has: only a defect of the kernel gets there.
    most_events: usize,
    unfinished: bool,
    plans_rollbacks: bool,
    rollbacks: Vec<RollbackPlan>,
}

/// So often the clock may go on without anything happening: a calendar opens and closes for ever.
const MOST_IDLE: u32 = 1000;

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
    let mut world = World::new(state, *estimates, start);
    // Most are launched, available, retired and gone once.
    world.timeline = Timeline::with_capacity(4 * initial.len());
    world.plans_rollbacks = true;
    world.run()?;
    let World { timeline, now, unfinished, rollbacks, state, .. } = world;
    let unfinished = unfinished.then(|| explain(&state, now));
    let timeline = timeline.finish(state.roster.zones(), state.roster.images());
    Ok(Forecast { timeline, makespan: now.since(start), unfinished, rollbacks })
}

/// Whether a rollout that goes on from here comes to its end.
pub(super) fn finishes(state: RolloutState, now: Timestamp) -> bool {
    let mut world = World::new(state, Estimates::default(), now);
    world.run().is_ok() && !world.unfinished
}

impl World {
    fn new(state: RolloutState, estimates: Estimates, start: Timestamp) -> Self {
        let slots = state.board.next_surplus().0 as usize;
        let mut world = Self {
            most_events: 1000 + slots * 32 + state.goal.stages.len() * 8,
            state,
            estimates,
            start,
            now: start,
            coming: BTreeMap::new(),
            timeline: Timeline::with_capacity(0),
            unfinished: false,
            plans_rollbacks: false,
            rollbacks: Vec::new(),
        };
        world.expect_initial();
        world
    }

    fn run(&mut self) -> Result<(), IllegalTransition> {
        self.unfinished = true;
        let mut idle = 0;
        while self.timeline.len() < self.most_events && idle < MOST_IDLE {
            let before = self.timeline.len();
            self.state.windowed(self.state.calendar_is_open(self.now), self.now);
            self.state.settle(self.now);
            match choose(&self.state, self.now) {
                Ok(choices) => {
                    self.act(&choices)?;
                    continue;
                }
                Err(Decision::Wait | Decision::Act(_)) => {}
                // Failure is not predicted: a deadline that the estimates break ends the preview there.
                Err(Decision::TurnBack(_) | Decision::End(_)) => break,
                Err(Decision::Done(_) | Decision::NextTarget) => {
                    self.plan_rollback()?;
                    self.unfinished = false;
                    break;
                }
            }
            if self.pass_gates()? {
                continue;
            }
            let predicted = self.coming.first_key_value().map(|(at, _)| *at);
            let due = next_due(&self.state, self.now);
            // Nothing will happen any more but the deadline, or a calendar that opens and closes for ever.
            let works = predicted.is_some() || next_work(&self.state, self.now).is_some();
            if !works && (self.state.window_open || due.is_none()) {
                break;
            }
            let Some(next) = predicted.into_iter().chain(due).min() else { break };
            self.now = next;
            while let Some(entry) = self.coming.first_entry().filter(|entry| *entry.key() <= self.now) {
                let events = entry.remove();
                self.happen(&events);
            }
            idle = if self.timeline.len() == before { idle + 1 } else { 0 };
        }
        Ok(())
    }

    /// What going back would cost now that a stage is complete.
    fn plan_rollback(&mut self) -> Result<(), IllegalTransition> {
        let (stage, _) = self.state.stage();
        let goes_back = self.state.spec.on_failure == OnFailure::Rollback && self.state.way_back().is_some();
        if !self.plans_rollbacks || !goes_back || !self.state.is_forward() {
            return Ok(());
        }
        let mut state = self.state.clone();
        state.turned_back(FailReason::Requested, self.now)?;
        let mut world = Self::new(state, self.estimates, self.now);
        world.run()?;
        let mut plan = RollbackPlan::new(stage);
        plan.makespan = world.now.since(self.now);
        let Self { timeline, state, .. } = world;
        for step in timeline.finish(state.roster.zones(), state.roster.images()).iter() {
            match step.event {
                PlannedEvent::Launch { .. } => plan.launches += 1,
                PlannedEvent::Retire { .. } => plan.retirements += 1,
                PlannedEvent::Shift { .. } => plan.traffic_back = Some(step.at),
                PlannedEvent::Available { .. } | PlannedEvent::Gone { .. } | PlannedEvent::Stage { .. } => {}
            }
        }
        if state.share.is_some() && plan.traffic_back.is_none() {
            plan.traffic_back = Some(Duration::ZERO);
        }
        self.rollbacks.push(plan);
        Ok(())
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
                    self.plan_rollback()?;
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
