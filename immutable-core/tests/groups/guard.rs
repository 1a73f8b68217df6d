//! The share of a service serves at every moment, over all its groups.

use immutable_core::Quantity;
use immutable_core::controller::Clock;
use immutable_core::release::{OnGroupFailure, ReleaseOutcome};
use tokio_util::sync::CancellationToken;

use crate::world::{World, secs, tiers, v};

/// Three groups of ten that may begin at once, each of which may take five out of service and launch none first.
fn world(share: u8) -> World {
    let mut world = World::new(10, tiers(&[&["eu", "us", "ap"]])).guard(share);
    world.limits.max_surge = Quantity::Count(0);
    world.limits.max_unavailable = Quantity::Count(5);
    world
}

#[test]
fn groups_together_keep_the_share() {
    for (share, least) in [(50, 15), (75, 23), (90, 27), (96, 29)] {
        let world = world(share);
        let outcome = world.run(&world.controller(), &world.plan(&[])).unwrap();
        assert_eq!(outcome, ReleaseOutcome::Done, "{share}");
        world.assert_safe();
        assert_eq!(world.least(), least, "{share}: as few as may, and never fewer\n{}", world.log.text());
    }
}

#[test]
fn nothing_begins_while_the_guard_spares_nothing() {
    let world = world(100);
    let plan = world.plan(&[]);
    let (controller, token) = (world.controller(), CancellationToken::new());
    let limit = world.now() + secs(600);
    let waiting = world.clock.run_until(limit, controller.run(&plan, &token));
    assert!(waiting.is_err(), "{waiting:?}\n{}", world.log.text());
    assert_eq!(world.least(), usize::MAX, "nothing left service");
}

#[test]
fn a_fault_in_one_group_raises_the_floors_of_the_others() {
    for at in [1, 3, 11, 12, 13, 22, 23] {
        let world = world(75);
        let plan = world.plan(&[]);
        let (controller, token) = (world.controller(), CancellationToken::new());
        let fault = async {
            world.clock.sleep_until(world.now() + secs(at)).await;
            let ready: Vec<_> =
                world.fleet("ap").instances().into_iter().filter(|instance| instance.is_ready()).collect();
            world.fleet("ap").kill(&ready[0].id).unwrap();
            world.fleets.iter().map(|fleet| fleet.available()).sum::<usize>()
        };
        let (outcome, left) =
            world.clock.run(async { futures_util::join!(controller.run(&plan, &token), fault) });
        assert_eq!(outcome.unwrap(), ReleaseOutcome::Done);
        // The fault itself may have cost one below the share.
        assert!(world.least() >= 23.min(left), "at {at}: {} of {left}\n{}", world.least(), world.log.text());
    }
}

#[test]
fn the_way_back_keeps_the_share_too() {
    let mut world = World::new(10, tiers(&[&["eu", "us"], &["bad"]])).guard(80);
    world.limits.max_surge = Quantity::Count(0);
    world.limits.max_unavailable = Quantity::Count(5);
    world.spec.on_failure = OnGroupFailure::Rollback;
    let outcome = world.run(&world.controller(), &world.plan(&["bad"])).unwrap();
    assert_eq!(outcome, ReleaseOutcome::RolledBack, "{}", world.log.text());
    for name in ["eu", "us", "bad"] {
        assert_eq!(world.image(name), v(1), "{name}");
    }
    assert!(world.least() >= 24, "{}\n{}", world.least(), world.log.text());
}

#[test]
fn a_group_that_waits_for_its_service_does_not_fail_for_want_of_progress() {
    let world = world(96);
    let plan = world.plan(&[]);
    let (controller, token) = (world.controller(), CancellationToken::new());
    // What may be missing is missing as soon as the first group has begun, and is back after an hour.
    let fault = async {
        world.clock.sleep_until(world.now() + secs(1)).await;
        let victims = world.fleet("ap").instances();
        world.fleet("ap").make_unready(&victims[0].id).unwrap();
        world.clock.sleep_until(world.now() + secs(3_600)).await;
        world.fleet("ap").make_ready(&victims[0].id).unwrap();
    };
    let both = async { futures_util::join!(controller.run(&plan, &token), fault).0 };
    let outcome = world.clock.run_until(world.now() + secs(86_400), both).unwrap();
    assert_eq!(outcome.unwrap(), ReleaseOutcome::Done, "{}", world.log.text());
}
