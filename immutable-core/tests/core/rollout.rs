//! Whole rollouts on the fleet in memory.

use std::sync::Arc;

use immutable_core::controller::ControllerError;
use immutable_core::fleet::Fleet;
use immutable_core::gate::{Gate, GateContext, GateError, Judgement, Verdict};
use immutable_core::planner::{Conclusion, FailReason};
use immutable_core::strategy::Rolling;
use immutable_core::{GateName, Quantity, RolloutId};
use immutable_testkit::fleet::EffectKind;
use tokio_util::sync::CancellationToken;

use crate::scenario::{Scenario, secs, v};

#[test]
fn a_good_image_replaces_the_old_one_within_the_limits() {
    let scenario = Scenario::new();
    let plan = scenario.plan(v(2));
    assert_eq!(scenario.run(&plan).unwrap(), Conclusion::Completed);
    scenario.assert_safe();
    scenario.assert_ends_with(v(2));
    assert_eq!(scenario.router.misrouted(), []);
    let launched = scenario
        .fleet
        .effects()
        .iter()
        .filter(|effect| matches!(effect.kind, EffectKind::Launched { .. }))
        .count();
    assert_eq!(launched, 10, "one launch for each slot");
}

#[test]
fn a_finished_rollout_is_not_run_again() {
    let scenario = Scenario::new();
    let plan = scenario.plan(v(2));
    scenario.run(&plan).unwrap();
    let effects = scenario.fleet.effects().len();
    assert_eq!(scenario.run(&plan).unwrap(), Conclusion::Completed);
    assert_eq!(scenario.fleet.effects().len(), effects);
}

#[test]
fn an_image_that_never_becomes_ready_is_put_back() {
    let mut scenario = Scenario::new();
    scenario.limits.healthy_deadline = secs(60);
    let plan = scenario.plan(v(3));
    let conclusion = scenario.run(&plan).unwrap();
    let Conclusion::RolledBack { reason: FailReason::TooManyFailures { failures, tolerated: 1, .. } } =
        conclusion
    else {
        panic!("{conclusion:?}\n{}", scenario.log.text())
    };
    assert!(failures <= 3, "{failures}: the surge bounds how many can fail before it is noticed");
    scenario.assert_safe();
    scenario.assert_ends_with(v(1));
}

#[test]
fn an_image_that_dies_after_it_was_ready_is_caught_by_the_minimum_ready_time() {
    let mut scenario = Scenario::new();
    scenario.limits.min_ready = secs(7);
    let conclusion = scenario.run(&scenario.plan(v(4))).unwrap();
    assert!(matches!(conclusion, Conclusion::RolledBack { .. }), "{conclusion:?}");
    scenario.assert_safe();
    scenario.assert_ends_with(v(1));
    assert_eq!(scenario.router.misrouted(), [], "none of them ever got traffic");
}

#[test]
fn a_first_deployment_that_fails_has_nothing_to_go_back_to() {
    let mut scenario = Scenario::with(10, |fleet| fleet);
    scenario.limits.healthy_deadline = secs(60);
    let conclusion = scenario.run(&scenario.plan(v(3))).unwrap();
    assert!(matches!(conclusion, Conclusion::Failed { rollback: None, .. }), "{conclusion:?}");
}

#[test]
fn a_first_deployment_fills_the_fleet() {
    let scenario = Scenario::with(10, |fleet| fleet);
    assert_eq!(scenario.run(&scenario.plan(v(2))).unwrap(), Conclusion::Completed);
    scenario.assert_ends_with(v(2));
}

#[test]
fn surplus_instances_are_retired() {
    let scenario = Scenario::with(10, |fleet| fleet.running(12, v(2)));
    assert_eq!(scenario.run(&scenario.plan(v(2))).unwrap(), Conclusion::Completed);
    assert_eq!(scenario.fleet.instances().len(), 10);
}

#[test]
fn without_surge_old_instances_make_room_first() {
    let mut scenario = Scenario::new();
    scenario.limits.max_surge = Quantity::Count(0);
    scenario.limits.max_unavailable = Quantity::Count(2);
    assert_eq!(scenario.run(&scenario.plan(v(2))).unwrap(), Conclusion::Completed);
    scenario.assert_safe();
    scenario.assert_ends_with(v(2));
}

#[test]
fn a_restarted_router_and_a_killed_instance_are_repaired() {
    let mut scenario = Scenario::new();
    scenario.limits.max_failures = Quantity::Count(3);
    let plan = scenario.plan(v(2));
    let controller = scenario.controller();
    let token = CancellationToken::new();
    let meddle = async {
        use immutable_core::controller::Clock;
        scenario.clock.sleep_until(scenario.now() + secs(15)).await;
        scenario.router.restart();
        scenario.clock.sleep_until(scenario.now() + secs(7)).await;
        let victim = scenario.fleet.instances().into_iter().find(|instance| instance.is_ready()).unwrap();
        scenario.fleet.kill(&victim.id).unwrap();
        scenario.clock.sleep_until(scenario.now() + secs(1)).await;
        let victim = scenario.fleet.instances().into_iter().find(|instance| instance.is_ready()).unwrap();
        scenario.fleet.vanish(&victim.id).unwrap();
    };
    let (conclusion, ()) =
        scenario.clock.run(async { futures_util::join!(controller.run(&plan, &token), meddle) });
    assert_eq!(conclusion.unwrap(), Conclusion::Completed, "{}", scenario.log.text());
    scenario.assert_ends_with(v(2));
    assert!(scenario.fleet.peaks().max_total <= 13);
}

#[test]
fn a_stranger_is_replaced_like_any_other() {
    let scenario = Scenario::new();
    let plan = scenario.plan(v(2));
    scenario.fleet.add_foreign(v(1), &immutable_core::Zone::new("a").unwrap());
    assert_eq!(scenario.run(&plan).unwrap(), Conclusion::Completed);
    scenario.assert_ends_with(v(2));
}

#[test]
fn abort_launches_nothing_more_and_leaves_the_fleet_as_it_is() {
    let scenario = Scenario::new();
    let plan = scenario.plan(v(2));
    let controller = scenario.controller();
    let control = controller.control();
    let token = CancellationToken::new();
    let abort = async {
        use immutable_core::controller::Clock;
        scenario.clock.sleep_until(scenario.now() + secs(15)).await;
        control.abort();
        scenario.fleet.effects().len()
    };
    let (conclusion, before) =
        scenario.clock.run(async { futures_util::join!(controller.run(&plan, &token), abort) });
    assert_eq!(conclusion.unwrap(), Conclusion::Aborted);
    let launched_after = scenario.fleet.effects()[before..]
        .iter()
        .filter(|effect| matches!(effect.kind, EffectKind::Launched { .. }))
        .count();
    assert_eq!(launched_after, 0);
    assert!(scenario.fleet.peaks().min_available >= 10);
}

#[test]
fn a_pause_holds_everything_and_a_rollback_on_request_goes_back() {
    let scenario = Scenario::new();
    let plan = scenario.plan(v(2));
    let controller = scenario.controller();
    let control = controller.control();
    let token = CancellationToken::new();
    let person = async {
        use immutable_core::controller::Clock;
        scenario.clock.sleep_until(scenario.now() + secs(15)).await;
        control.pause();
        scenario.clock.sleep_until(scenario.now() + secs(30)).await;
        let effects = scenario.fleet.effects().len();
        scenario.clock.sleep_until(scenario.now() + secs(1200)).await;
        assert_eq!(scenario.fleet.effects().len(), effects, "longer than the progress deadline");
        assert!(scenario.log.text().contains("the rollout is paused"));
        control.resume();
        scenario.clock.sleep_until(scenario.now() + secs(1)).await;
        control.rollback();
    };
    let (conclusion, ()) =
        scenario.clock.run(async { futures_util::join!(controller.run(&plan, &token), person) });
    assert_eq!(conclusion.unwrap(), Conclusion::RolledBack { reason: FailReason::Requested });
    scenario.assert_safe();
    scenario.assert_ends_with(v(1));
}

/// Says what it is told to say.
#[derive(Debug)]
struct Says(Verdict);

#[async_trait::async_trait]
impl Gate for Says {
    async fn evaluate(&self, context: &GateContext) -> Result<Judgement, GateError> {
        assert_eq!(context.candidates.len(), 10);
        Ok(Judgement::new(self.0, "error rate", "12 %"))
    }
}

#[test]
fn a_start_waits_for_its_approval_and_a_failed_check_rolls_back() {
    let scenario = Scenario::new();
    let (go, smoke) = (GateName::new("go").unwrap(), GateName::new("smoke").unwrap());
    let strategy = Rolling::new().approve_start(go.clone()).check(smoke.clone());
    let plan = scenario.plan_as(v(2), &strategy, Scenario::rollout());
    let error = scenario.run(&plan).unwrap_err();
    assert!(matches!(error, ControllerError::MissingGate { .. }), "{error}");

    let controller = scenario.controller().with_gate(smoke, Arc::new(Says(Verdict::Fail)));
    let control = controller.control();
    let token = CancellationToken::new();
    let person = async {
        use immutable_core::controller::Clock;
        scenario.clock.sleep_until(scenario.now() + secs(3600)).await;
        assert_eq!(scenario.fleet.effects(), [], "nothing is done before the approval");
        assert!(scenario.log.text().contains("needs the approval `go`"), "{}", scenario.log.text());
        control.approve(go);
    };
    let (conclusion, ()) =
        scenario.clock.run(async { futures_util::join!(controller.run(&plan, &token), person) });
    let conclusion = conclusion.unwrap();
    assert_eq!(conclusion.to_string(), "rolled back: check `smoke` failed, error rate: 12 %");
    scenario.assert_ends_with(v(1));
}

#[test]
fn a_bake_time_holds_the_end() {
    let scenario = Scenario::new();
    let began = scenario.now();
    let plan = scenario.plan_as(v(2), &Rolling::new().bake(secs(900)), Scenario::rollout());
    assert!(plan.lower_bound >= secs(900));
    assert_eq!(scenario.run(&plan).unwrap(), Conclusion::Completed);
    assert!(scenario.now().since(began) >= secs(900));
}

#[test]
fn a_missing_image_is_refused_before_anything_is_begun() {
    let scenario = Scenario::new();
    let plan = scenario.plan(v(9));
    let error = scenario.run(&plan).unwrap_err();
    assert!(matches!(error, ControllerError::Refused { .. }), "{error}");
    assert_eq!(scenario.fleet.effects(), []);
    assert_eq!(scenario.run(&scenario.plan(v(2))).unwrap(), Conclusion::Completed, "the name is still free");
}

#[test]
fn a_journal_of_another_target_or_fleet_is_refused() {
    let scenario = Scenario::new();
    scenario.run(&scenario.plan(v(2))).unwrap();
    let effects = scenario.fleet.effects().len();
    let error = scenario.run(&scenario.plan(v(1))).unwrap_err();
    assert!(matches!(error, ControllerError::OtherTarget { .. }), "{error}");

    let other = Scenario::with(10, |fleet| fleet.running(10, v(1)));
    let mut plan = other.plan(v(2));
    plan.spec.fleet = immutable_core::FleetId::new("api").unwrap();
    let error = other.run(&plan).unwrap_err();
    assert!(error.to_string().contains("fleet api, not to web"), "{error}");
    assert_eq!((scenario.fleet.effects().len(), other.fleet.effects().len()), (effects, 0));
}

#[test]
fn ten_thousand_instances_take_little_real_time() {
    let mut scenario = Scenario::with(10_000, |fleet| fleet.running(10_000, v(1)));
    scenario.limits.max_surge = Quantity::Percent(10);
    scenario.router.set_sessions(0, secs(0));
    let plan = scenario.plan(v(2));
    let began = std::time::Instant::now();
    assert_eq!(scenario.run(&plan).unwrap(), Conclusion::Completed);
    eprintln!("10,000 instances replaced in {:?} of real time", began.elapsed());
    scenario.assert_safe();
    scenario.assert_ends_with(v(2));
}

#[test]
fn there_and_back_again() {
    let scenario = Scenario::new();
    for (name, target) in [("a", v(2)), ("b", v(1)), ("c", v(2))] {
        let plan = scenario.plan_as(target, &Rolling::new(), RolloutId::new(name).unwrap());
        assert_eq!(scenario.run(&plan).unwrap(), Conclusion::Completed);
        scenario.assert_safe();
        scenario.assert_ends_with(target);
    }
    assert_eq!(scenario.fleet.capabilities().zones.len(), 3);
}
