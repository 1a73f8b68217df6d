//! A plan is made of whole cohorts of slots that are alike; here it is made again instance by instance.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use immutable_core::gate::{GateSpec, Judgement, Verdict};
use immutable_core::plan::{Estimates, OnFailure, Plan, PlannedEvent, PlannedStep, RollbackPlan, Seat, Step};
use immutable_core::planner::{
    Condition, Decision, Due, FailReason, Observation, OpId, RolloutState, decide, due, explain, next_due,
};
use immutable_core::{GateName, InstanceId, Timestamp};
use proptest::prelude::*;

use crate::case::{Case, start};
use crate::generate::{any_case, config};

/// So often time may go on without anything happening; the planner gives up earlier.
const MOST_IDLE: u32 = 1_500;

enum Coming {
    Ready(Seat),
    Available(Seat),
    Gone(Seat, OpId),
}

/// A world in which every launch and every retirement takes as long as estimated and every gate passes.
struct World {
    state: RolloutState,
    estimates: Estimates,
    start: Timestamp,
    now: Timestamp,
    coming: BTreeMap<Timestamp, Vec<Coming>>,
    steps: Vec<PlannedStep>,
    approved: BTreeSet<GateName>,
    /// The state at the end of each stage, and when that was.
    completed: Vec<(RolloutState, Timestamp)>,
    is_done: bool,
}

impl World {
    fn new(state: RolloutState, estimates: Estimates, start: Timestamp) -> Self {
        let mut world = Self {
            state,
            estimates,
            start,
            now: start,
            coming: BTreeMap::new(),
            steps: Vec::new(),
            approved: BTreeSet::new(),
            completed: Vec::new(),
            is_done: false,
        };
        let mut expected = Vec::new();
        // One that stands by is not available, whatever it answers.
        for member in world.state.members().filter(|member| !member.is_apart && !member.stands_by) {
            match member.condition {
                Condition::Launching { .. } | Condition::Suspect { .. } => {
                    expected.push((start + estimates.launch_to_ready, Coming::Ready(member.seat)));
                }
                Condition::Ready { since } => {
                    let at = since + world.state.limits().min_ready;
                    expected.push((at.max(start), Coming::Available(member.seat)));
                }
                _ => {}
            }
        }
        expected.into_iter().for_each(|(at, coming)| world.coming.entry(at).or_default().push(coming));
        world
    }

    fn run(&mut self) {
        let mut idle = 0;
        while idle < MOST_IDLE {
            let before = self.steps.len();
            let windows = due(&self.state, self.now);
            for open in windows
                .iter()
                .filter_map(|due| if let Due::Window { open } = due { Some(*open) } else { None })
            {
                self.state.windowed(open, self.now);
            }
            self.state.settle(self.now);
            match decide(&self.state, self.now) {
                Decision::Act(steps) => {
                    steps.into_iter().for_each(|step| self.act(step));
                    continue;
                }
                Decision::Wait => {}
                Decision::Done(_) => {
                    self.completed.push((self.state.clone(), self.now));
                    self.is_done = true;
                    return;
                }
                _ => return,
            }
            if self.pass_gates() {
                continue;
            }
            let coming = self.coming.first_key_value().map(|(at, _)| *at);
            let Some(next) = coming.into_iter().chain(next_due(&self.state, self.now)).min() else { return };
            self.now = next;
            while let Some(entry) = self.coming.first_entry().filter(|entry| *entry.key() <= next) {
                entry.remove().into_iter().for_each(|coming| self.happen(coming));
            }
            idle = if self.steps.len() == before { idle + 1 } else { 0 };
        }
    }

    fn keep(&mut self, event: PlannedEvent) {
        self.steps.push(PlannedStep { at: self.now.since(self.start), event });
    }

    fn act(&mut self, step: Step) {
        let (op, now) = (self.state.next_op(), self.now);
        match step {
            Step::Launch { seat, zone, image } => {
                self.state.launch_intended(op, seat, zone.clone(), image, now).unwrap();
                self.state.launched(op, InstanceId::new(format!("new-{op}")).unwrap(), now).unwrap();
                self.come(self.estimates.launch_to_ready, Coming::Ready(seat));
                self.keep(PlannedEvent::Launch { seat, zone, image });
            }
            Step::Retire { seat } => {
                self.state.retire_intended(op, seat, now).unwrap();
                self.come(self.estimates.drain_to_gone, Coming::Gone(seat, op));
                self.keep(PlannedEvent::Retire { seat });
            }
            Step::Shift { share } => {
                self.state.shifted(share, now).unwrap();
                self.keep(PlannedEvent::Shift { share });
            }
            Step::Advance { stage } => {
                self.completed.push((self.state.clone(), now));
                self.state.advanced(stage, now).unwrap();
                self.keep(PlannedEvent::Stage { stage });
            }
            _ => unreachable!("{step:?}"),
        }
    }

    fn come(&mut self, after: Duration, coming: Coming) {
        self.coming.entry(self.now + after).or_default().push(coming);
    }

    fn happen(&mut self, coming: Coming) {
        let now = self.now;
        let condition = |seat| self.state.member(seat).map(|member| member.condition);
        match coming {
            Coming::Ready(seat) => {
                let is_due =
                    matches!(condition(seat), Some(Condition::Launching { .. } | Condition::Suspect { .. }));
                if is_due {
                    self.state.observed(seat, Observation::Ready { endpoint: None }, now).unwrap();
                    let min_ready = self.state.limits().min_ready;
                    if min_ready.is_zero() {
                        self.happen(Coming::Available(seat));
                    } else {
                        self.come(min_ready, Coming::Available(seat));
                    }
                }
            }
            Coming::Available(seat) => {
                if matches!(condition(seat), Some(Condition::Ready { .. })) {
                    self.state.observed(seat, Observation::Available, now).unwrap();
                    self.keep(PlannedEvent::Available { seat });
                }
            }
            Coming::Gone(seat, op) => {
                self.state.retired(op).unwrap();
                self.keep(PlannedEvent::Gone { seat });
            }
        }
    }

    fn pass_gates(&mut self) -> bool {
        if self.state.complete_since().is_none() {
            return false;
        }
        let mut new = false;
        let (stage, gates) = (self.state.stage().0, self.state.stage().1.gates.clone());
        for gate in gates {
            match gate {
                GateSpec::Approval(name) if self.approved.insert(name.clone()) => {
                    self.state.approved(name);
                    new = true;
                }
                GateSpec::Check(name) if self.state.judgement(&name).is_none() => {
                    let pass = Judgement::new(Verdict::Pass, "nobody", "assumed");
                    self.state.judged(stage, name, pass).unwrap();
                    new = true;
                }
                _ => {}
            }
        }
        new
    }
}

/// The way back from the end of a stage.
fn way_back(stage: usize, state: &RolloutState, at: Timestamp, plan: &Plan) -> Option<RollbackPlan> {
    let goes_back = plan.spec.on_failure == OnFailure::Rollback && state.way_back().is_some();
    let mut state = goes_back.then(|| state.clone())?;
    state.turned_back(FailReason::Requested, at).unwrap();
    let mut world = World::new(state, plan.estimates, at);
    world.run();
    let mut back = plan.rollbacks.iter().find(|back| back.stage == stage)?.clone();
    let count = |is: fn(&PlannedEvent) -> bool| {
        u32::try_from(world.steps.iter().filter(|step| is(&step.event)).count()).unwrap()
    };
    back.launches = count(|event| matches!(event, PlannedEvent::Launch { .. }));
    back.retirements = count(|event| matches!(event, PlannedEvent::Retire { .. }));
    let mut shifts = world.steps.iter().filter(|step| matches!(step.event, PlannedEvent::Shift { .. }));
    back.traffic_back =
        world.state.share().map(|_| shifts.next_back().map_or(Duration::ZERO, |step| step.at));
    // Where it does not come to its end, it is over with the last that happens.
    let last = world.steps.last().map_or(Duration::ZERO, |step| step.at);
    back.makespan = if world.is_done { world.now.since(at) } else { last };
    back.waits = !world.is_done;
    Some(back)
}

/// Some fleets are larger than a word of slots.
fn case_of_any_size() -> impl Strategy<Value = Case> {
    let times = prop_oneof![6 => Just(1), 1 => 2..=12_u32];
    (any_case(), times).prop_map(|(mut case, times)| {
        case.desired *= times;
        case.fleet = (0..times).flat_map(|_| case.fleet.clone()).collect();
        case
    })
}

proptest! {
    #![proptest_config(config())]

    /// What a plan predicts is what comes of deciding instance by instance: the same steps in the same order, the same
    /// costs of going back from every stage, and the same reasons where it does not come to its end.
    #[test]
    fn a_plan_is_the_fold_of_its_decisions(case in case_of_any_size()) {
        let Ok(plan) = case.plan() else { return Ok(()) };
        let state = RolloutState::open(plan.spec.clone(), &plan.initial, start()).unwrap();
        let mut world = World::new(state, plan.estimates, start());
        world.run();
        let planned: Vec<PlannedStep> = plan.timeline.iter().collect();
        let completed = world.completed.iter().enumerate();
        let back = completed.filter_map(|(stage, (state, at))| way_back(stage, state, *at, &plan));
        let back: Vec<RollbackPlan> = back.collect();
        if plan.unfinished.is_some() && case.calendar.is_some() {
            // A plan ends where only the calendar could change anything.
            prop_assert!(world.steps.starts_with(&planned) && back.starts_with(&plan.rollbacks), "{}", plan);
            return Ok(());
        }
        let last = planned.last().map_or(Duration::ZERO, |step| step.at);
        prop_assert_eq!(planned, std::mem::take(&mut world.steps));
        prop_assert_eq!(&plan.rollbacks, &back);
        let goes_back = plan.spec.on_failure == OnFailure::Rollback && world.state.way_back().is_some();
        prop_assert_eq!(plan.rollbacks.len(), if goes_back { world.completed.len() } else { 0 });
        prop_assert_eq!(plan.unfinished.is_none(), world.is_done);
        match &plan.unfinished {
            None => prop_assert_eq!(plan.makespan, world.now.since(start())),
            Some(report) => {
                prop_assert_eq!(plan.makespan, last);
                // It goes on to deadlines of instances that were there, at which nothing is predicted to happen.
                if world.now.since(start()) == last {
                    prop_assert_eq!(&report.waiting, &explain(&world.state, world.now).waiting);
                }
            }
        }
    }
}
