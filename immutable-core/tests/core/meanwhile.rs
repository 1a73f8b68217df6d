//! What happens while a rollout runs: people ask for something else, and groups share traffic. Through the controller, a
//! fleet and a router.

use std::time::Duration;

use immutable_core::controller::{Controller, ControllerError};
use immutable_core::fleet::{Fleet, RouteState, Router, Standing};
use immutable_core::journal::{Control, Fact, Fold, Record};
use immutable_core::limits::Limits;
use immutable_core::plan::{OnResize, OnRetarget, Plan};
use immutable_core::planner::{Cause, Conclusion, FailReason, Observation, PlanRequest};
use immutable_core::strategy::{BlueGreen, Canary, CanaryStep, RolloutStrategy, Share, Stage};
use immutable_core::{Digest, Quantity};
use tokio_util::sync::CancellationToken;

use crate::scenario::{Scenario, secs, v};

/// Runs a plan and says something to it after a while.
fn run_and_say(scenario: &Scenario, plan: &Plan, after: Duration, control: Control) -> Conclusion {
    let controller = scenario.controller();
    let handle = controller.control();
    let clock = scenario.clock.shared();
    let token = CancellationToken::new();
    let said = async {
        clock.sleep_until(clock.now() + after).await;
        handle.send(control);
    };
    let both = futures_util::future::join(controller.run(plan, &token), said);
    let limit = scenario.now() + secs(7200);
    match scenario.clock.run_until(limit, both) {
        Ok((conclusion, ())) => conclusion.unwrap(),
        Err(stalled) => panic!("{stalled:?}\n{}", scenario.log.text()),
    }
}

fn plan_with(scenario: &Scenario, strategy: &dyn RolloutStrategy, target: Digest) -> Plan {
    scenario.plan_as(target, strategy, Scenario::rollout())
}

/// The weights of all routes by image, in order.
fn weights(scenario: &Scenario) -> Vec<(Digest, u16)> {
    let routes = scenario.clock.run(scenario.router.observe()).unwrap();
    let mut weights: Vec<_> = routes
        .iter()
        .map(|route| {
            let weight = match route.state {
                RouteState::Serving(weight) => weight.get(),
                RouteState::Draining => 0,
            };
            (scenario.fleet.instance(&route.instance).unwrap().image, weight)
        })
        .collect();
    weights.sort();
    weights
}

#[test]
fn a_growing_fleet_takes_the_new_size_over_at_once() {
    let mut scenario = Scenario::new();
    let plan = scenario.plan(v(2));
    let conclusion = run_and_say(&scenario, &plan, secs(15), Control::Resize { desired: 16 });
    assert_eq!(conclusion, Conclusion::Completed);
    scenario.desired = 16;
    scenario.assert_tidy();
    scenario.assert_ends_with(v(2));
}

#[test]
fn a_shrinking_fleet_lets_its_last_slots_go() {
    let mut scenario = Scenario::new();
    let plan = scenario.plan(v(2));
    let conclusion = run_and_say(&scenario, &plan, secs(15), Control::Resize { desired: 4 });
    assert_eq!(conclusion, Conclusion::Completed);
    scenario.desired = 4;
    scenario.assert_tidy();
    scenario.assert_ends_with(v(2));
}

#[test]
fn a_size_that_is_refused_is_said() {
    let scenario = Scenario::new();
    let mut plan = scenario.plan(v(2));
    plan.spec.on_resize = OnResize::Refuse;
    let conclusion = run_and_say(&scenario, &plan, secs(15), Control::Resize { desired: 16 });
    assert_eq!(conclusion, Conclusion::Completed);
    assert!(scenario.log.text().contains("a size of 16 was refused: this rollout keeps its size of 10"));
    scenario.assert_safe();
    scenario.assert_ends_with(v(2));
}

#[test]
fn another_target_replaces_the_one_on_the_way() {
    let scenario = Scenario::with(10, |fleet| {
        use immutable_testkit::fleet::ImageBehaviour;
        fleet.running(10, v(1)).image(v(5), ImageBehaviour::Healthy)
    });
    let mut plan = scenario.plan(v(2));
    plan.spec.on_retarget = OnRetarget::Replace;
    let conclusion = run_and_say(&scenario, &plan, secs(25), Control::Retarget { target: v(5) });
    assert_eq!(conclusion, Conclusion::Completed, "{}", scenario.log.text());
    scenario.assert_safe();
    scenario.assert_ends_with(v(5));
}

#[test]
fn another_target_that_is_bad_leads_back_to_what_ran_before_both() {
    let scenario = Scenario::new();
    let mut plan = scenario.plan(v(2));
    plan.spec.on_retarget = OnRetarget::Replace;
    let conclusion = run_and_say(&scenario, &plan, secs(25), Control::Retarget { target: v(3) });
    assert!(matches!(conclusion, Conclusion::RolledBack { .. }), "{conclusion}");
    scenario.assert_safe();
    scenario.assert_ends_with(v(1));
}

#[test]
fn a_target_that_waits_its_turn_comes_after_the_first() {
    let scenario = Scenario::new();
    let mut plan = scenario.plan(v(2));
    plan.spec.on_retarget = OnRetarget::FinishFirst;
    let conclusion = run_and_say(&scenario, &plan, secs(15), Control::Retarget { target: v(3) });
    // The second one is bad, and what it leads back to is the first, which was reached.
    assert!(matches!(conclusion, Conclusion::RolledBack { .. }), "{conclusion}");
    scenario.assert_safe();
    scenario.assert_ends_with(v(2));
}

#[test]
fn tighter_limits_hold_from_then_on() {
    let scenario = Scenario::new();
    let plan = scenario.plan(v(2));
    let limits = Limits { max_surge: Quantity::Count(1), ..scenario.limits.clone() };
    let conclusion = run_and_say(&scenario, &plan, secs(1), Control::Limits { limits: Box::new(limits) });
    assert_eq!(conclusion, Conclusion::Completed);
    // Three at a time began; one at a time finished.
    assert!(scenario.log.text().contains("(at most 11)"), "{}", scenario.log.text());
    scenario.assert_safe();
    scenario.assert_ends_with(v(2));
}

#[test]
fn blue_green_switches_all_traffic_at_once_and_keeps_the_old_group_for_a_while() {
    let mut scenario = Scenario::new();
    scenario.limits.max_surge = Quantity::Percent(100);
    let strategy = BlueGreen::new().hold(secs(600));
    let plan = plan_with(&scenario, &strategy, v(2));
    let conclusion = run_and_say(&scenario, &plan, secs(1), Control::Resume);
    assert_eq!(conclusion, Conclusion::Completed);
    let log = scenario.log.text();
    assert!(log.contains("100% of the traffic to the new group"), "{log}");
    assert_eq!(scenario.fleet.peaks().max_total, 20);
    scenario.assert_safe();
    scenario.assert_ends_with(v(2));
}

#[test]
fn blue_green_goes_back_by_weights_alone() {
    let mut scenario = Scenario::new();
    scenario.limits.max_surge = Quantity::Percent(100);
    let strategy = BlueGreen::new().hold(secs(600));
    let plan = plan_with(&scenario, &strategy, v(2));
    let back = plan.rollbacks.iter().find(|back| back.traffic_back.is_some()).unwrap();
    assert_eq!((back.launches, back.traffic_back), (0, Some(Duration::ZERO)), "{back}");

    let conclusion = run_and_say(&scenario, &plan, secs(120), Control::Rollback);
    assert_eq!(conclusion, Conclusion::RolledBack { reason: FailReason::Requested });
    let launches = scenario.log.text().matches(": launch slot-").count();
    assert_eq!(launches, 10, "only the new group was launched, nothing for the way back");
    scenario.assert_safe();
    scenario.assert_ends_with(v(1));
}

#[test]
fn a_canary_gets_its_share_of_the_traffic() {
    let scenario = Scenario::new();
    let step = CanaryStep::new(Quantity::Count(1)).share(Share::new(5).unwrap()).bake(secs(3600));
    let plan = plan_with(&scenario, &Canary::new(step), v(2));
    let controller = scenario.controller();
    let token = CancellationToken::new();
    let limit = scenario.now() + secs(300);
    // It bakes for an hour: in five minutes it is not over.
    let unfinished = scenario.clock.run_until(limit, controller.run(&plan, &token));
    assert!(unfinished.is_err());
    let weights = weights(&scenario);
    let new: u32 =
        weights.iter().filter(|(image, _)| *image == v(2)).map(|(_, weight)| u32::from(*weight)).sum();
    let all: u32 = weights.iter().map(|(_, weight)| u32::from(*weight)).sum();
    let share = f64::from(new) / f64::from(all);
    assert!((0.045..0.055).contains(&share), "{share}: {weights:?}");
}

#[test]
fn a_known_good_image_skips_the_canary() {
    let scenario = Scenario::new();
    let snapshot = scenario.clock.run(scenario.fleet.observe()).unwrap();
    let step = CanaryStep::new(Quantity::Count(1)).bake(secs(3600));
    let plan = |canary: Canary| {
        let request = PlanRequest::new(Scenario::rollout(), v(2), 10).limits(scenario.limits.clone());
        let request = request.zones(scenario.fleet.capabilities().zones).known_good();
        request.plan(&snapshot, &canary).unwrap()
    };
    let straight = plan(Canary::new(step.clone()));
    assert_eq!(straight.spec.stages, [Stage::new(10, 0)]);
    assert!(straight.makespan < secs(3600), "{straight}");

    let shared = plan(Canary::new(step.share(Share::new(5).unwrap())));
    assert!(shared.spec.stages.iter().all(|stage| stage.gates.is_empty()), "{shared}");
    assert!(shared.unfinished.is_none() && shared.makespan < secs(3600), "{shared}");
}

#[test]
fn a_floor_from_outside_holds_besides_the_limits() {
    let mut scenario = Scenario::new();
    scenario.limits.max_surge = Quantity::Count(0);
    scenario.limits.max_unavailable = Quantity::Count(5);
    let plan = scenario.plan(v(2));
    let conclusion = run_and_say(&scenario, &plan, secs(0), Control::Floor { available: 9 });
    assert_eq!(conclusion, Conclusion::Completed);
    // Five had left before it was said; from then on one at a time.
    let log = scenario.log.text();
    assert!(log.contains("available (at least 9)"), "{log}");
    scenario.assert_safe();
    scenario.assert_ends_with(v(2));
}

#[test]
fn shares_without_a_router_are_refused_before_anything_is_begun() {
    let mut scenario = Scenario::new();
    scenario.limits.max_surge = Quantity::Percent(100);
    let plan = plan_with(&scenario, &BlueGreen::new(), v(2));
    let store = std::sync::Arc::new(scenario.store.clone());
    let controller = Controller::new(
        std::sync::Arc::clone(&scenario.fleet) as std::sync::Arc<dyn Fleet>,
        store,
        scenario.clock.shared(),
    );
    let error = scenario.run_with(&controller, &plan).unwrap_err();
    assert!(matches!(error, ControllerError::MissingRouter { .. }), "{error}");
    assert!(error.to_string().contains("shares traffic"), "{error}");
    assert_eq!(scenario.fleet.effects().len(), 0);
}

#[test]
fn a_router_that_has_lost_its_routes_gets_none_for_what_is_not_ready() {
    let scenario = Scenario::new();
    let unwell = scenario.fleet.instances().remove(0).id;
    scenario.fleet.make_unready(&unwell).unwrap();
    let plan = scenario.plan(v(2));
    scenario.router.restart();
    assert_eq!(scenario.run(&plan).unwrap(), Conclusion::Completed);
    assert_eq!(scenario.router.misrouted(), []);
    scenario.assert_ends_with(v(2));
}

#[test]
fn one_that_is_set_apart_is_missed_for_longer_before_it_is_stopped() {
    for protected in [false, true] {
        let mut scenario = Scenario::new();
        scenario.limits.healthy_deadline = secs(60);
        let missed = scenario.fleet.instances().remove(0).id;
        let mut standing = Standing::PLAIN;
        standing.protected = protected;
        scenario.fleet.set_standing(&missed, standing).unwrap();
        let plan = scenario.plan(v(2));
        let mut fold = Fold::new(Scenario::rollout());
        let open = Record::Open {
            spec: Box::new(plan.spec.clone()),
            initial: plan.initial.clone(),
            plan: plan.digest(),
        };
        fold.record(&open, scenario.now()).unwrap();
        let mut snapshot = scenario.clock.run(scenario.fleet.observe()).unwrap();
        snapshot.instances.retain(|instance| instance.id != missed);
        let mut given_up = |after: u64| {
            let records = fold.observe(&snapshot, scenario.now() + secs(after)).unwrap();
            let broken = |record: &Record| {
                let Record::Fact(Fact::Observed { observation, .. }) = record else { return false };
                *observation == Observation::Broken(Cause::Missing)
            };
            records.iter().any(broken)
        };
        let expected = [(0, false), (4, false), (6, !protected), (59, false), (61, protected)];
        assert_eq!(expected.map(|(after, _)| (after, given_up(after))), expected, "protected: {protected}");
    }
}
