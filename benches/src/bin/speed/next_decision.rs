//! The next decision of a large fleet after a thousand events, beside the same decision from nothing.

use std::collections::VecDeque;
use std::hint::black_box;

use immutable_core::InstanceId;
use immutable_core::plan::{Adopted, Plan, Step};
use immutable_core::planner::{Decision, Observation, OpId, RolloutState, decide};

use crate::figures::{Figures, median, percentile, shown, timed};
use crate::{counted, fleets};

const EVENTS: usize = 1_000;

/// What is under way: launches that become available, retirements that end.
enum Coming {
    Available(OpId, immutable_core::plan::Seat),
    Gone(OpId),
}

struct World {
    state: RolloutState,
    coming: VecDeque<Coming>,
}

pub(crate) fn measure(figures: &mut Figures, size: u32) {
    let plan = plan(size);
    let replans: Vec<_> =
        (0..3).map(|_| timed(|| black_box(decide(&open(&plan), fleets::start()))).0).collect();
    let mut world = World::new(&plan);
    let (mut events, mut decisions) = (Vec::new(), Vec::new());
    while !world.coming.is_empty() && decisions.len() < 1_000 {
        events.push(timed(|| world.pass()).0);
        let (time, decision) = timed(|| decide(&world.state, fleets::start()));
        decisions.push(time);
        world.act(decision);
    }
    let replan = median(replans);
    let (usual, slow) = (median(decisions.clone()), percentile(decisions, 99));
    figures.table(
        &[
            "next decision after 1,000 events",
            "median",
            "p99",
            "taking in the events",
            "full replan",
            "replan / p99",
        ],
        &[vec![
            format!("{size} instances"),
            shown(usual),
            shown(slow),
            shown(median(events)),
            shown(replan),
            format!("{:.0}", replan.as_secs_f64() / slow.as_secs_f64()),
        ]],
    );
    figures.add("next decision p99 / full replan", slow.as_secs_f64() / replan.as_secs_f64());
}

pub(crate) fn count() {
    let mut world = World::new(&plan(100_000));
    counted(|| {
        world.pass();
        black_box(decide(&world.state, fleets::start()));
    });
}

fn plan(size: u32) -> Plan {
    fleets::plan(&fleets::groups(1, size)[0])
}

fn open(plan: &Plan) -> RolloutState {
    let initial: &[Adopted] = &plan.initial;
    RolloutState::open(plan.spec.clone(), initial, fleets::start()).unwrap()
}

impl World {
    /// After everything that may be done at the start was begun.
    fn new(plan: &Plan) -> Self {
        let mut world = Self { state: open(plan), coming: VecDeque::new() };
        while let decision @ Decision::Act(_) = decide(&world.state, fleets::start()) {
            world.act(decision);
        }
        world
    }

    fn act(&mut self, decision: Decision) {
        let Decision::Act(steps) = decision else { return };
        let now = fleets::start();
        for step in steps {
            let op = self.state.next_op();
            match step {
                Step::Launch { seat, zone, image } => {
                    self.state.launch_intended(op, seat, zone, image, now).unwrap();
                    self.coming.push_back(Coming::Available(op, seat));
                }
                Step::Retire { seat } => {
                    self.state.retire_intended(op, seat, now).unwrap();
                    self.coming.push_back(Coming::Gone(op));
                }
                other => unreachable!("{other:?}"),
            }
        }
        self.state.settle(now);
    }

    /// A thousand events: some instances come, and some go.
    fn pass(&mut self) {
        let now = fleets::start();
        let mut events = 0;
        while events < EVENTS
            && let Some(coming) = self.coming.pop_front()
        {
            match coming {
                Coming::Available(op, seat) => {
                    self.state.launched(op, InstanceId::new(format!("new-{op}")).unwrap(), now).unwrap();
                    self.state.observed(seat, Observation::Ready { endpoint: None }, now).unwrap();
                    self.state.observed(seat, Observation::Available, now).unwrap();
                    events += 3;
                }
                Coming::Gone(op) => {
                    self.state.retired(op).unwrap();
                    events += 1;
                }
            }
        }
        self.state.settle(now);
    }
}
