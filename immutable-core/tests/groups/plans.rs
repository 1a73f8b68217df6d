//! Plans that do not fit their release, and journals that do not fit the protocol.

use immutable_core::journal::{Fold, ReleaseControl, ReleaseRecord, ReleaseState};
use immutable_core::release::{GroupOutcome, ReleaseEvent, ReleasePlan};
use immutable_core::{RolloutId, Timestamp};

use crate::world::{World, fleet, release, tiers, v};

fn world() -> World {
    World::new(1, tiers(&[&["db"], &["web"]]))
}

#[test]
fn plans_that_do_not_fit_their_release_are_refused() {
    let world = world();
    let plan = |name: &str, rollout: &str| world.plan_of(world.fleet(name), v(2), rollout);
    let other = World::new(1, tiers(&[&["wep"]]));
    let long = "r".repeat(59);
    for (plans, expected) in [
        (vec![plan("db", "a")], "group `web` of release r7 has no plan: give it one, or remove it"),
        (
            vec![plan("db", "a"), plan("db", "b")],
            "group `db` of release r7 has two plans: remove one of them",
        ),
        (
            vec![plan("db", "a"), plan("web", "b"), other.plan_of(other.fleet("wep"), v(2), "c")],
            "there is a plan of fleet `wep`, which is no group of release r7: the nearest name is `web`",
        ),
        (
            vec![plan("db", "a"), plan("web", "a")],
            "two journals of release r7 would be named a: give each of its rollouts a name of its own",
        ),
        (
            vec![plan("db", "a"), plan("web", "a-back")],
            "two journals of release r7 would be named a-back: give each of its rollouts a name of its own",
        ),
        (
            vec![plan("db", "r7"), plan("web", "a")],
            "two journals of release r7 would be named r7: give each of its rollouts a name of its own",
        ),
        (
            vec![plan("db", &long), plan("web", "a")],
            &format!("the rollout name {long} is too long for a group of release r7: at most 58 characters"),
        ),
    ] {
        let error = ReleasePlan::new(release(), world.spec.clone(), plans).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn a_journal_of_a_release_that_breaks_the_protocol_is_refused() {
    let world = world();
    let plan = world.plan(&[]);
    let open = |name: RolloutId, rollouts| ReleaseRecord::Open {
        release: name,
        spec: Box::new(plan.spec().clone()),
        rollouts,
        plan: plan.digest(),
    };
    let good = open(release(), plan.pinned());
    let begin = |name: &str| ReleaseRecord::Event(ReleaseEvent::Begin { group: fleet(name) });
    let end = ReleaseRecord::Event(ReleaseEvent::End { group: fleet("db"), outcome: GroupOutcome::Done });
    let mut swapped = plan.pinned();
    swapped.reverse();
    for (records, expected) in [
        (vec![begin("db")], "the release is not opened yet"),
        (vec![open(RolloutId::new("r8").unwrap(), plan.pinned())], "it opens release r8"),
        (vec![open(release(), swapped)], "its rollouts are not those of its groups"),
        (vec![good.clone(), good.clone()], "the release is opened twice"),
        (vec![good.clone(), begin("web")], "group `web` cannot begin"),
        (vec![good.clone(), end], "group `db` cannot end: it is waiting"),
        (vec![good.clone(), ReleaseRecord::Event(ReleaseEvent::RollBack)], "only a person says this"),
    ] {
        let mut fold = Fold::<ReleaseState>::empty(release());
        let illegal = records.iter().find_map(|record| fold.record(record, Timestamp::UNIX_EPOCH).err());
        let illegal = illegal.unwrap().to_string();
        assert!(illegal.contains(expected), "{illegal}");
    }
}

#[test]
fn what_people_say_is_always_legal() {
    let world = world();
    let plan = world.plan(&[]);
    let open = ReleaseRecord::Open {
        release: release(),
        spec: Box::new(plan.spec().clone()),
        rollouts: plan.pinned(),
        plan: plan.digest(),
    };
    let mut fold = Fold::<ReleaseState>::empty(release());
    fold.record(&open, Timestamp::UNIX_EPOCH).unwrap();
    let rollout = Box::new((&plan.plans()[0]).into());
    for control in [
        ReleaseControl::Resume,
        ReleaseControl::Pause,
        ReleaseControl::Retry { rollout },
        ReleaseControl::Abort,
        ReleaseControl::Rollback,
        ReleaseControl::Rollback,
    ] {
        fold.record(&ReleaseRecord::Control(control), Timestamp::UNIX_EPOCH).unwrap();
    }
    let state = fold.state().unwrap();
    assert!(state.is_paused() && !state.is_aborted(), "a rollback goes on from an abort");
    assert_eq!(state.under_way().count(), 0);
}
