//! The linter finds each kind of illegal plan: a good one, changed in one way.

use std::time::Duration;

use immutable_core::Quantity;
use immutable_core::plan::{Finding, Plan, PlannedEvent, PlannedStep, Seat, lint};

use crate::scenario::{Scenario, secs, v};

/// Three instances are replaced one after the other, each new one before the old one leaves.
fn good() -> Plan {
    let mut scenario = Scenario::with(3, |fleet| fleet.running(3, v(1)));
    scenario.limits.max_surge = Quantity::Count(1);
    let plan = scenario.plan(v(2));
    assert_eq!(lint(&plan), []);
    plan
}

/// The index of the first step like this.
fn first(plan: &Plan, is: fn(&PlannedEvent) -> bool) -> usize {
    plan.timeline.iter().position(|step| is(&step.event)).unwrap()
}

/// The plan with other steps.
fn edit(plan: &mut Plan, change: impl FnOnce(&mut Vec<PlannedStep>)) {
    let mut steps: Vec<PlannedStep> = plan.timeline.iter().collect();
    change(&mut steps);
    plan.timeline = steps.into_iter().collect();
}

fn event(plan: &Plan, step: usize) -> PlannedEvent {
    plan.timeline.iter().nth(step).unwrap().event
}

fn is_launch(event: &PlannedEvent) -> bool {
    matches!(event, PlannedEvent::Launch { .. })
}

fn is_available(event: &PlannedEvent) -> bool {
    matches!(event, PlannedEvent::Available { .. })
}

fn is_retirement(event: &PlannedEvent) -> bool {
    matches!(event, PlannedEvent::Retire { .. })
}

fn is_gone(event: &PlannedEvent) -> bool {
    matches!(event, PlannedEvent::Gone { .. })
}

fn seat(plan: &Plan, step: usize) -> Seat {
    match event(plan, step) {
        PlannedEvent::Launch { seat, .. }
        | PlannedEvent::Available { seat }
        | PlannedEvent::Retire { seat }
        | PlannedEvent::Gone { seat } => seat,
        other => unreachable!("{other:?}"),
    }
}

/// What the linter says, which must also have words.
fn findings(plan: &Plan) -> Vec<Finding> {
    let findings = lint(plan);
    for finding in &findings {
        assert!(finding.to_string().len() > 20, "{finding}");
    }
    findings
}

#[test]
fn a_time_that_goes_back_is_found() {
    let mut plan = good();
    let step = first(&plan, is_available);
    edit(&mut plan, |steps| steps[step].at += Duration::from_nanos(1));
    assert_eq!(findings(&plan), [Finding::TimeGoesBack { step: step + 1 }]);
}

#[test]
fn one_instance_too_many_is_found() {
    let mut plan = good();
    // The second launch waits for the first old one to be gone; exchange them.
    let gone = first(&plan, is_gone);
    assert!(is_launch(&event(&plan, gone + 1)));
    edit(&mut plan, |steps| steps.swap(gone, gone + 1));
    assert_eq!(findings(&plan), [Finding::TooMany { step: gone, total: 5, limit: 4 }]);
}

#[test]
fn one_available_instance_too_few_is_found() {
    let mut plan = good();
    let retire = first(&plan, is_retirement);
    assert!(is_available(&event(&plan, retire - 1)));
    edit(&mut plan, |steps| steps.swap(retire - 1, retire));
    let step = retire - 1;
    assert_eq!(findings(&plan), [Finding::TooFewAvailable { step, available: 2, limit: 3 }]);
}

#[test]
fn a_seat_that_is_launched_twice_is_found() {
    let mut plan = good();
    let launch = first(&plan, is_launch);
    edit(&mut plan, |steps| steps.insert(launch + 1, steps[launch].clone()));
    let seat = seat(&plan, launch);
    assert_eq!(findings(&plan), [Finding::LaunchedTwice { step: launch + 1, seat }]);
}

#[test]
fn a_step_that_its_instance_is_not_ready_for_is_found() {
    for is in [is_available, is_retirement, is_gone] {
        let mut plan = good();
        let step = first(&plan, is) + 1;
        edit(&mut plan, |steps| steps.insert(step, steps[step - 1].clone()));
        let seat = seat(&plan, step);
        assert_eq!(findings(&plan), [Finding::OutOfOrder { step, seat }]);
    }
}

#[test]
fn an_instance_that_disappears_without_leaving_service_is_found() {
    let mut plan = good();
    let retire = first(&plan, is_retirement);
    let seat = seat(&plan, retire);
    edit(&mut plan, |steps| drop(steps.remove(retire)));
    let step = plan.timeline.iter().position(|step| step.event == PlannedEvent::Gone { seat }).unwrap();
    assert!(findings(&plan).contains(&Finding::OutOfOrder { step, seat }));
}

#[test]
fn an_image_that_nobody_asked_for_is_found() {
    let mut plan = good();
    let step = first(&plan, is_launch);
    edit(&mut plan, |steps| {
        if let PlannedEvent::Launch { image, .. } = &mut steps[step].event {
            *image = v(9);
        }
    });
    let end = Finding::WrongEnd { available: 2, total: 3, desired: 3 };
    assert_eq!(findings(&plan), [Finding::ForeignImage { step, image: v(9) }, end]);
}

#[test]
fn a_plan_that_stops_early_is_found() {
    let mut plan = good();
    let last_launch =
        plan.timeline.iter().collect::<Vec<_>>().iter().rposition(|step| is_launch(&step.event));
    edit(&mut plan, |steps| steps.truncate(last_launch.unwrap()));
    assert_eq!(findings(&plan), [Finding::WrongEnd { available: 2, total: 3, desired: 3 }]);
}

#[test]
fn a_plan_faster_than_its_own_bound_is_found() {
    let mut plan = good();
    plan.makespan = plan.lower_bound - Duration::from_nanos(1);
    assert_eq!(findings(&plan), [Finding::FasterThanPossible]);
}

#[test]
fn the_bound_adds_bake_times_and_counts_each_launch_and_retirement() {
    let plan = good();
    // Three launches of 30 s and three retirements of 10 s, one at a time.
    assert_eq!(plan.lower_bound, secs(3 * 30 + 3 * 10));
    assert_eq!(plan.makespan, plan.lower_bound, "no schedule is better than this one");
}
