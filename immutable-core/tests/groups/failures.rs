//! What a failed group leads to, and what a person can do about it.

use immutable_core::WriterId;
use immutable_core::controller::{Clock, send_release_control};
use immutable_core::journal::ReleaseControl;
use immutable_core::release::{GroupPhase, OnGroupFailure, ReleaseOutcome};
use tokio_util::sync::CancellationToken;

use crate::world::{World, release, tiers, v};

/// The second tier has a group whose image never becomes ready.
fn world(on_failure: OnGroupFailure) -> World {
    let mut world = World::new(2, tiers(&[&["db"], &["api", "bad"], &["web"]]));
    world.spec.on_failure = on_failure;
    world
}

#[test]
fn stop_leaves_what_is_done_and_begins_nothing_more() {
    let world = world(OnGroupFailure::Stop);
    let outcome = world.run(&world.controller(), &world.plan(&["bad"])).unwrap();
    assert_eq!(outcome, ReleaseOutcome::Stopped);
    world.assert_safe();
    assert_eq!((world.image("db"), world.image("api"), world.image("bad")), (v(2), v(2), v(1)));
    assert_eq!(world.phase("bad"), GroupPhase::RolledBack, "its own rollout turned back");
    assert_eq!(world.span("web"), None);
}

#[test]
fn rollback_takes_everything_back_the_last_tier_first() {
    let world = world(OnGroupFailure::Rollback);
    let outcome = world.run(&world.controller(), &world.plan(&["bad"])).unwrap();
    assert_eq!(outcome, ReleaseOutcome::RolledBack, "{}", world.log.text());
    world.assert_safe();
    for name in ["db", "api", "bad", "web"] {
        assert_eq!(world.image(name), v(1), "{name}");
    }
    assert_eq!(world.span("web"), None);
    let back = |name: &str| {
        let effects = world.fleet(name).effects();
        let launched = effects.iter().find(|effect| {
            matches!(&effect.kind, immutable_testkit::fleet::EffectKind::Launched { image, .. } if *image == v(1))
        });
        launched.map(|effect| effect.at)
    };
    assert!(back("api").unwrap() < back("db").unwrap());
    assert!(world.span("api").unwrap().1 <= back("db").unwrap(), "nothing of it is left in `api` then");
}

#[test]
fn continue_holds_only_what_depends_on_the_failed_one() {
    let mut world = World::new(2, tiers(&[&["bad"], &["web"]]));
    world.spec = world.spec.group(immutable_core::release::Group::new(crate::world::fleet("other")));
    let spec = std::mem::take(&mut world.spec).on_failure(OnGroupFailure::Continue);
    let world = World::new(2, spec);
    let outcome = world.run(&world.controller(), &world.plan(&["bad"])).unwrap();
    assert_eq!(outcome, ReleaseOutcome::Stopped);
    assert_eq!((world.phase("other"), world.image("other")), (GroupPhase::Done, v(2)));
    assert_eq!((world.phase("web"), world.span("web")), (GroupPhase::Held, None));
}

#[test]
fn a_stopped_release_goes_on_when_the_group_is_retried() {
    let world = world(OnGroupFailure::Stop);
    let plan = world.plan(&["bad"]);
    assert_eq!(world.run(&world.controller(), &plan).unwrap(), ReleaseOutcome::Stopped);
    let controller = world.controller();
    controller.control().retry(&world.plan_of(world.fleet("bad"), v(2), "r7-bad-2"));
    assert_eq!(world.run(&controller, &plan).unwrap(), ReleaseOutcome::Done, "{}", world.log.text());
    for name in ["db", "api", "bad", "web"] {
        assert_eq!(world.image(name), v(2), "{name}");
    }
}

#[test]
fn a_retry_by_a_rollout_that_ran_before_has_no_effect() {
    let world = world(OnGroupFailure::Stop);
    let plan = world.plan(&["bad"]);
    world.run(&world.controller(), &plan).unwrap();
    let controller = world.controller();
    controller.control().retry(&world.plan_of(world.fleet("bad"), v(2), "r7-bad"));
    assert_eq!(world.run(&controller, &plan).unwrap(), ReleaseOutcome::Stopped);
    assert_eq!(world.phase("bad"), GroupPhase::RolledBack);
}

#[test]
fn a_release_that_is_done_goes_back_when_somebody_says_so() {
    let world = World::new(2, tiers(&[&["db"], &["web-eu", "web-us"]]));
    assert_eq!(world.run(&world.controller(), &world.plan(&[])).unwrap(), ReleaseOutcome::Done);
    let writer = WriterId::new("somebody").unwrap();
    let store = std::sync::Arc::new(world.store.clone());
    let name = release();
    let reading = world.clock.read();
    let said = send_release_control(store, &name, writer, ReleaseControl::Rollback, &reading);
    world.clock.run(said).unwrap();
    let controller = world.controller();
    let outcome = world.clock.run(controller.resume(&name, &CancellationToken::new())).unwrap();
    assert_eq!(outcome, ReleaseOutcome::RolledBack, "{}", world.log.text());
    for name in ["db", "web-eu", "web-us"] {
        assert_eq!(world.image(name), v(1), "{name}");
    }
    world.assert_safe();
}

#[test]
fn a_rollback_turns_back_groups_that_run() {
    use immutable_core::controller::Clock;
    for after in [0, 1, 5, 10, 11, 25] {
        let world = World::new(3, tiers(&[&["db"], &["web"]]));
        let plan = world.plan(&[]);
        let controller = world.controller();
        let (control, token) = (controller.control(), CancellationToken::new());
        let later = async {
            world.clock.sleep_until(world.now() + crate::world::secs(after)).await;
            control.rollback();
        };
        let (outcome, ()) =
            world.clock.run(async { futures_util::join!(controller.run(&plan, &token), later) });
        assert_eq!(outcome.unwrap(), ReleaseOutcome::RolledBack, "after {after} s\n{}", world.log.text());
        assert_eq!((world.image("db"), world.span("web")), (v(1), None));
        world.assert_safe();
    }
}
