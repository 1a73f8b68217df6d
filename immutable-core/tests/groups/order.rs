//! Groups begin in their order, never too many at once, and every group by its own rollout.

use std::num::NonZeroU32;
use std::sync::Arc;

use immutable_core::controller::{ReleaseController, ReleaseRunError};
use immutable_core::fleet::Fleet;
use immutable_core::release::ReleaseOutcome;
use immutable_core::{FleetId, RolloutId};

use crate::world::{World, fleet, release, secs, tiers, v};

#[test]
fn no_tier_begins_before_the_one_before_it_is_done() {
    let world = World::new(2, tiers(&[&["db-eu", "db-us"], &["api"], &["web-eu", "web-us", "web-ap"]]));
    assert_eq!(world.run(&world.controller(), &world.plan(&[])).unwrap(), ReleaseOutcome::Done);
    world.assert_safe();
    for fleet in &world.fleets {
        assert_eq!(world.image(fleet.id().as_str()), v(2));
    }
    let span = |name| world.span(name).unwrap();
    for db in ["db-eu", "db-us"] {
        assert!(span(db).1 <= span("api").0, "{}", world.log.text());
    }
    for web in ["web-eu", "web-us", "web-ap"] {
        assert!(span("api").1 <= span(web).0);
    }
    assert_eq!(span("db-eu").0, span("db-us").0, "groups of one tier run together");
}

#[test]
fn the_whole_takes_as_long_as_was_predicted() {
    let world = World::new(3, tiers(&[&["db"], &["web-eu", "web-us"]]));
    let plan = world.plan(&[]);
    let begin = world.now();
    world.run(&world.controller(), &plan).unwrap();
    let (took, predicted) = (world.now().since(begin), plan.forecast().makespan);
    assert!(took <= predicted, "{took:?} of {predicted:?}");
}

#[test]
fn no_more_groups_run_at_once_than_may() {
    let mut world = World::new(1, tiers(&[&["a", "b", "c", "d", "e"]]));
    world.spec.max_running = NonZeroU32::new(2);
    let begin = world.now();
    assert_eq!(world.run(&world.controller(), &world.plan(&[])).unwrap(), ReleaseOutcome::Done);
    let mut spans: Vec<_> =
        world.fleets.iter().map(|fleet| world.span(fleet.id().as_str()).unwrap()).collect();
    spans.sort();
    for (at, (start, _)) in spans.iter().enumerate() {
        let open = spans[..at].iter().filter(|(_, end)| end > start).count();
        assert!(open < 2, "{spans:?}");
    }
    assert!(world.now().since(begin) >= secs(30), "three rounds of ten seconds");
}

#[test]
fn a_release_that_is_over_is_not_run_again() {
    let world = World::new(2, tiers(&[&["db"], &["web"]]));
    let plan = world.plan(&[]);
    world.run(&world.controller(), &plan).unwrap();
    let effects = |world: &World| world.fleets.iter().map(|fleet| fleet.effects().len()).sum::<usize>();
    let before = effects(&world);
    let second = world.controller_on(Arc::new(world.store.clone()), "second");
    assert_eq!(world.run(&second, &plan).unwrap(), ReleaseOutcome::Done);
    assert_eq!(effects(&world), before);
}

#[test]
fn another_release_of_the_same_name_is_refused() {
    let world = World::new(2, tiers(&[&["db"], &["web"]]));
    world.run(&world.controller(), &world.plan(&[])).unwrap();
    let error = world.run(&world.controller(), &world.plan(&["web"])).unwrap_err();
    assert!(matches!(error, ReleaseRunError::OtherRelease { .. }), "{error}");
}

#[test]
fn nothing_begins_when_a_group_of_the_last_tier_cannot_take_its_image() {
    let world = World::new(2, tiers(&[&["db"], &["web"]]));
    let plans = vec![
        world.plan_of(world.fleet("db"), v(2), "r7-db"),
        world.plan_of(world.fleet("web"), v(9), "r7-web"),
    ];
    let plan = immutable_core::release::ReleasePlan::new(release(), world.spec.clone(), plans).unwrap();
    let error = world.run(&world.controller(), &plan).unwrap_err();
    assert_eq!(error.to_string(), "release r7 was not begun, because of group `web`");
    assert_eq!(world.span("db"), None);
}

#[test]
fn a_group_without_a_controller_is_named() {
    let world = World::new(1, tiers(&[&["db"], &["web"]]));
    let controller = ReleaseController::new(Arc::new(world.store.clone()), world.clock.shared());
    let error = world.run(&controller, &world.plan(&[])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "release r7 has a group `db`, for whose fleet there is no controller: add one"
    );
}

#[test]
fn an_unknown_release_cannot_be_resumed() {
    let world = World::new(1, tiers(&[&["db"]]));
    let token = tokio_util::sync::CancellationToken::new();
    let controller = world.controller();
    let error = world.clock.run(controller.resume(&RolloutId::new("r8").unwrap(), &token)).unwrap_err();
    assert!(matches!(error, ReleaseRunError::Journal(_)), "{error}");
}

#[test]
fn a_pause_holds_groups_and_what_runs_in_them() {
    let world = World::new(4, tiers(&[&["db"], &["web"]]));
    let plan = world.plan(&[]);
    let controller = world.controller();
    let control = controller.control();
    let token = tokio_util::sync::CancellationToken::new();
    let later = async {
        use immutable_core::controller::Clock;
        world.clock.sleep_until(world.now() + secs(15)).await;
        control.pause();
        world.clock.sleep_until(world.now() + secs(30)).await;
        let paused = world.fleet("db").effects().len();
        world.clock.sleep_until(world.now() + secs(600)).await;
        assert_eq!(world.fleet("db").effects().len(), paused, "{}", world.log.text());
        assert_eq!(world.span("web"), None);
        control.resume();
    };
    let (outcome, ()) = world.clock.run(async { futures_util::join!(controller.run(&plan, &token), later) });
    assert_eq!(outcome.unwrap(), ReleaseOutcome::Done);
    assert_eq!(world.image("web"), v(2));
}

#[test]
fn an_abort_begins_nothing_more_and_leaves_everything_as_it_is() {
    let world = World::new(4, tiers(&[&["db"], &["web"]]));
    let plan = world.plan(&[]);
    let controller = world.controller();
    let control = controller.control();
    let token = tokio_util::sync::CancellationToken::new();
    let later = async {
        use immutable_core::controller::Clock;
        world.clock.sleep_until(world.now() + secs(15)).await;
        control.abort();
    };
    let (outcome, ()) = world.clock.run(async { futures_util::join!(controller.run(&plan, &token), later) });
    assert_eq!(outcome.unwrap(), ReleaseOutcome::Stopped);
    assert_eq!(world.span("web"), None);
    let images: std::collections::BTreeSet<_> =
        world.fleet("db").instances().into_iter().map(|instance| instance.image).collect();
    assert_eq!(images.len(), 2, "it stands where it was");

    // Only a rollback comes after.
    control.rollback();
    assert_eq!(world.run(&controller, &plan).unwrap(), ReleaseOutcome::RolledBack, "{}", world.log.text());
    assert_eq!(world.image("db"), v(1));
}

#[test]
fn five_hundred_groups_end() {
    let names: Vec<String> = (0..500).map(|number| format!("g{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let by_tier: Vec<&[&str]> = names.chunks(50).collect();
    let world = World::new(2, tiers(&by_tier)).guard(80);
    assert_eq!(world.run(&world.controller(), &world.plan(&[])).unwrap(), ReleaseOutcome::Done);
    world.assert_safe();
    assert!(world.least() >= 800, "{}", world.least());
    let groups = world.state().release().counts().done;
    assert_eq!(groups, 500);
    let last: FleetId = fleet("g499");
    assert_eq!(world.image(last.as_str()), v(2));
}
