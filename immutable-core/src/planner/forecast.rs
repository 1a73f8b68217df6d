//! The kernel folded over a predicted world.

use std::collections::BTreeMap;
use std::time::Duration;

use super::board::Phase;
use super::due::next_work;
use super::{Decision, FailReason, IllegalTransition, RolloutState, decide, explain, next_due};
use crate::gate::{GateSpec, Judgement, Verdict};
use crate::plan::{
    Adopted, Estimates, OnFailure, PlanReport, PlannedEvent, PlannedStep, RollbackPlan, RolloutSpec, Seat,
    Step,
};
use crate::time::Timestamp;

/// What will happen if nothing goes wrong.
pub(super) struct Forecast {
    pub(super) timeline: Vec<PlannedStep>,
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
    timeline: Vec<PlannedStep>,
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
    let mut world = World::new(state, *estimates, start);
    world.plans_rollbacks = true;
    world.run()?;
    let World { timeline, now, unfinished, rollbacks, .. } = world;
    let unfinished = unfinished.then(|| explain(&world.state, now));
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
            timeline: Vec::new(),
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
            match decide(&self.state, self.now) {
                Decision::Act(steps) => {
                    for step in steps {
                        self.act(step)?;
                    }
                    continue;
                }
                Decision::Wait => {}
                // Failure is not predicted: a deadline that the estimates break ends the preview there.
                Decision::TurnBack(_) | Decision::End(_) => break,
                Decision::Done(_) | Decision::NextTarget => {
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
                for event in entry.remove() {
                    self.happen(event);
                }
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
        for step in &world.timeline {
            match step.event {
                PlannedEvent::Launch { .. } => plan.launches += 1,
                PlannedEvent::Retire { .. } => plan.retirements += 1,
                PlannedEvent::Shift { .. } => plan.traffic_back = Some(step.at),
                PlannedEvent::Available { .. } | PlannedEvent::Gone { .. } | PlannedEvent::Stage { .. } => {}
            }
        }
        if world.state.share.is_some() && plan.traffic_back.is_none() {
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

    fn planned(&mut self, event: PlannedEvent) {
        self.timeline.push(PlannedStep { at: self.now.since(self.start), event });
    }

    fn act(&mut self, step: Step) -> Result<(), IllegalTransition> {
        match step {
            Step::Launch { seat, zone, image } => {
                let (image_number, zone_number) =
                    (self.state.roster.image(image)?, self.state.roster.zone(&zone)?);
                self.state.launch(seat, zone_number, image_number, self.now);
                if let Some(id) = self.state.board.find(seat) {
                    self.state.board.enter(id, Phase::Launching, self.now);
                }
                let ready = self.now + self.estimates.launch_to_ready;
                self.coming.entry(ready).or_default().push(Coming::Ready(seat));
                self.planned(PlannedEvent::Launch { seat, zone, image });
            }
            Step::Retire { seat } => {
                if let Some(id) = self.state.board.find(seat) {
                    self.state.retire(id, self.now);
                }
                let gone = self.now + self.estimates.drain_to_gone;
                self.coming.entry(gone).or_default().push(Coming::Gone(seat));
                self.planned(PlannedEvent::Retire { seat });
            }
            Step::Shift { share } => {
                self.state.shifted(share, self.now)?;
                self.planned(PlannedEvent::Shift { share });
            }
            Step::Advance { stage } => {
                self.plan_rollback()?;
                self.state.advanced(stage, self.now)?;
                self.planned(PlannedEvent::Stage { stage });
            }
        }
        Ok(())
    }

    fn happen(&mut self, event: Coming) {
        let seat = match &event {
            Coming::Ready(seat) | Coming::Available(seat) | Coming::Gone(seat) => *seat,
        };
        let Some(id) = self.state.board.find(seat) else { return };
        let phase = self.state.board.cell(id).phase;
        match event {
            // It may have been retired before it was ready.
            Coming::Ready(_) if matches!(phase, Phase::Launching | Phase::Suspect) => {
                self.state.board.enter(id, Phase::Ready, self.now);
                let available = self.now + self.state.goal.limits.min_ready;
                if available > self.now {
                    self.coming.entry(available).or_default().push(Coming::Available(seat));
                } else {
                    self.happen(Coming::Available(seat));
                }
            }
            Coming::Available(_) if phase == Phase::Ready => {
                self.state.board.enter(id, Phase::Available, self.now);
                self.planned(PlannedEvent::Available { seat });
            }
            Coming::Gone(_) => {
                self.state.vanish(id);
                self.planned(PlannedEvent::Gone { seat });
            }
            Coming::Ready(_) | Coming::Available(_) => {}
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
