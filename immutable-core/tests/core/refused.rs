//! Launches that the platform refuses again and again.

use immutable_core::Quantity;
use immutable_core::controller::Clock;
use immutable_core::planner::Conclusion;
use immutable_core::strategy::{Canary, CanaryStep};
use immutable_testkit::fleet::{Failure, Operation};
use tokio_util::sync::CancellationToken;

use crate::scenario::{Scenario, secs, v};

/// A kept instance of the previous image is lost while the canary bakes, and the platform refuses its replacement. No
/// number of such failures fails the rollout: they tell nothing of the new image.
#[test]
fn a_kept_instance_that_cannot_be_replaced_is_tried_again_more_and_more_seldom() {
    let scenario = Scenario::new();
    let canary = Canary::new(CanaryStep::new(Quantity::Count(1)).bake(secs(120)));
    let plan = scenario.plan_as(v(2), &canary, Scenario::rollout());
    let controller = scenario.controller();
    let token = CancellationToken::new();
    let harm = async {
        scenario.clock.sleep_until(scenario.now() + secs(40)).await;
        let old = scenario.fleet.instances().into_iter().find(|instance| instance.image == v(1)).unwrap();
        scenario.fleet.fail_next(Operation::Launch, 10_000, Failure::Invalid);
        scenario.fleet.kill(&old.id).unwrap();
        scenario.clock.sleep_until(scenario.now() + secs(30)).await;
        let refused = scenario.log.text().matches("failed: fleet web: injected: refused").count();
        assert!((3..=20).contains(&refused), "{refused} launches were refused in half a minute");
        scenario.fleet.clear_failures();
    };
    let (conclusion, ()) =
        scenario.clock.run(async { futures_util::join!(controller.run(&plan, &token), harm) });
    assert_eq!(conclusion.unwrap(), Conclusion::Completed, "{}", scenario.log.text());
    scenario.assert_ends_with(v(2));
}
