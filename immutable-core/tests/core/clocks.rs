//! Controllers whose clocks show different times.

use std::sync::Arc;
use std::time::Duration;

use immutable_core::controller::Controller;
use immutable_core::fleet::{Fleet, Router};
use immutable_core::planner::Conclusion;
use immutable_core::{Timestamp, WriterId};
use immutable_testkit::faulty::SkewedClock;
use tokio_util::sync::CancellationToken;

use crate::scenario::{Scenario, secs, v};

const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

fn controller(scenario: &Scenario, number: usize, clock: SkewedClock) -> Controller {
    let fleet: Arc<dyn Fleet> = Arc::clone(&scenario.fleet) as Arc<dyn Fleet>;
    let router: Arc<dyn Router> = Arc::clone(&scenario.router) as Arc<dyn Router>;
    Controller::new(fleet, Arc::new(scenario.store.clone()), Arc::new(clock))
        .with_router(router)
        .with_writer(WriterId::new(format!("writer-{number}")).unwrap())
}

/// One controller after the other, each for a while and by another clock.
fn runs_by_clocks(skews: &[(bool, Duration)]) -> (Scenario, Duration) {
    let mut scenario = Scenario::with(10, |fleet| fleet.running(10, v(1)));
    scenario.limits.min_ready = secs(12);
    scenario.limits.healthy_deadline = secs(60);
    let plan = scenario.plan(v(2));
    let began: Timestamp = scenario.now();
    let token = CancellationToken::new();
    let mut skews = skews.iter().cycle();
    for number in 0..400 {
        let (is_ahead, skew) = *skews.next().unwrap();
        let clock = match is_ahead {
            true => SkewedClock::ahead(scenario.clock.shared(), skew),
            false => SkewedClock::behind(scenario.clock.shared(), skew),
        };
        let limit = scenario.now() + secs(17);
        let run = controller(&scenario, number, clock);
        if let Ok(conclusion) = scenario.clock.run_until(limit, run.run(&plan, &token)) {
            assert_eq!(conclusion.unwrap(), Conclusion::Completed, "{}", scenario.log.text());
            let took = scenario.now().since(began);
            return (scenario, took);
        }
    }
    panic!("it never ends");
}

#[test]
fn successors_whose_clocks_are_a_year_apart_neither_wait_nor_hurry() {
    let (_, steady) = runs_by_clocks(&[(true, Duration::ZERO)]);
    let apart = [(true, YEAR), (false, YEAR), (true, secs(3600)), (false, secs(90)), (true, YEAR / 2)];
    let (scenario, took) = runs_by_clocks(&apart);
    scenario.assert_safe();
    scenario.assert_ends_with(v(2));
    assert_eq!(took, steady);
    for applied in scenario.router.applied() {
        let is_early = applied.effective && applied.ready_for.is_some_and(|ready_for| ready_for < secs(12));
        assert!(!is_early, "traffic too early: {applied:?}");
    }
}
