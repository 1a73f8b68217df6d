//! Every way in which a release can contradict itself, and every event out of turn.

use immutable_core::release::{
    Barrier, Group, GroupOutcome, IllegalReleaseEvent, Release, ReleaseError, ReleaseEvent, ReleaseSpec,
    Service,
};
use immutable_core::strategy::Share;
use immutable_core::{BarrierName, ServiceName};

use crate::world::{barrier, begin, finish, fleet, tiers};

fn text(spec: &ReleaseSpec) -> String {
    spec.graph().unwrap_err().to_string()
}

fn service(name: &str) -> Service {
    Service::new(ServiceName::new(name).unwrap(), Share::new(60).unwrap())
}

#[test]
fn what_is_declared_twice_is_named() {
    assert_eq!(
        text(&tiers().group(Group::new(fleet("web")))),
        "group `web` is declared twice: give one of the two another name, or remove it"
    );
    assert_eq!(
        text(&tiers().barrier(Barrier::new(barrier("front")))),
        "barrier `front` is declared twice: give one of the two another name, or remove it"
    );
    assert_eq!(
        text(&tiers().service(service("web")).service(service("web"))),
        "service `web` is declared twice: remove one of the two"
    );
}

#[test]
fn a_group_and_a_barrier_may_have_the_same_name() {
    let spec = ReleaseSpec::new().depending(barrier("web"), vec![fleet("web")], []).unwrap();
    assert_eq!(spec.graph().unwrap().nodes(), 2);
}

#[test]
fn a_barrier_named_twice_in_a_list_is_an_error() {
    let group = Group::new(fleet("jobs")).after(barrier("data")).after(barrier("data"));
    assert_eq!(
        text(&tiers().group(group)),
        "`after` of group `jobs` names `data` twice: remove one of the two, or put the one that was meant"
    );
}

#[test]
fn an_unknown_barrier_comes_with_the_nearest_name() {
    assert_eq!(
        text(&tiers().group(Group::new(fleet("jobs")).before(barrier("fornt")))),
        "`before` of group `jobs` names `fornt`, which is no barrier: the nearest name is `front`"
    );
    assert_eq!(
        text(&tiers().barrier(Barrier::new(barrier("late")).after(barrier("dat")))),
        "`after` of barrier `late` names `dat`, which is no barrier: the nearest name is `data`"
    );
    assert_eq!(
        text(&ReleaseSpec::new().group(Group::new(fleet("jobs")).after(barrier("data")))),
        "`after` of group `jobs` names `data`, which is no barrier: declare it among `barriers`"
    );
}

#[test]
fn a_group_in_place_of_a_barrier_is_told_apart_from_a_typo() {
    assert_eq!(
        text(&tiers().group(Group::new(fleet("jobs")).after(barrier("db-a")))),
        "`after` of group `jobs` names `db-a`, which is no barrier: it is a group; declare a barrier, and put the group \
         `before` it"
    );
}

#[test]
fn a_service_is_declared_and_has_groups() {
    let group = |service: &str| Group::new(fleet("jobs")).service(ServiceName::new(service).unwrap());
    assert_eq!(
        text(&tiers().service(service("workers")).group(group("worker"))),
        "`service` of group `jobs` is `worker`, which is not declared: the nearest name is `workers`"
    );
    assert_eq!(
        text(&tiers().group(group("worker"))),
        "`service` of group `jobs` is `worker`, which is not declared: declare it among `services`"
    );
    assert_eq!(
        text(&tiers().service(service("web"))),
        "service `web` has no group: name it as `service` of its groups, or remove it"
    );
}

#[test]
fn a_cycle_is_named_in_order_and_without_what_only_waits_for_it() {
    let spec = ReleaseSpec::new()
        .barrier(Barrier::new(barrier("web-done")))
        .barrier(Barrier::new(barrier("db-done")))
        .group(Group::new(fleet("innocent")).after(barrier("web-done")))
        .group(Group::new(fleet("web")).after(barrier("db-done")).before(barrier("web-done")))
        .group(Group::new(fleet("db")).after(barrier("web-done")).before(barrier("db-done")));
    assert_eq!(
        text(&spec),
        "the order has a cycle, in which each waits for the one before it; take one `after` or `before` away: \
         group `web` → barrier `web-done` → group `db` → barrier `db-done` → group `web`"
    );
}

#[test]
fn the_shortest_cycles_are_found() {
    let alone = ReleaseSpec::new().barrier(Barrier::new(barrier("a")).after(barrier("a")));
    assert!(text(&alone).ends_with("barrier `a` → barrier `a`"), "{}", text(&alone));
    let group = Group::new(fleet("g")).after(barrier("a")).before(barrier("a"));
    let pair = ReleaseSpec::new().barrier(Barrier::new(barrier("a"))).group(group);
    assert!(text(&pair).ends_with("group `g` → barrier `a` → group `g`"), "{}", text(&pair));
}

#[test]
fn a_cycle_is_found_however_long_it_is() {
    let name = |index: usize| BarrierName::new(format!("b{index}")).unwrap();
    let mut spec = ReleaseSpec::new();
    for index in 0..50_000 {
        spec.barriers.push(Barrier::new(name(index)).after(name((index + 1) % 50_000)));
    }
    let Err(ReleaseError::Cycle { nodes }) = spec.graph() else { panic!("no cycle was found") };
    assert_eq!(nodes.len(), 50_000);
}

#[test]
fn events_out_of_turn_say_what_they_wait_for() {
    let mut release = Release::open(&tiers()).unwrap();
    let begin_of = |group: &str| ReleaseEvent::Begin { group: fleet(group) };
    let mut refused = |event: &ReleaseEvent| release.apply(event).unwrap_err().to_string();
    assert_eq!(refused(&begin_of("wbe")), "the release has no group `wbe`: the nearest name is `web`");
    assert_eq!(
        refused(&begin_of("api-b")),
        "group `api-b` cannot begin: it waits for barrier `data`, which waits for `db-a`, `db-b`"
    );
    assert_eq!(
        refused(&ReleaseEvent::End { group: fleet("db-a"), outcome: GroupOutcome::Done }),
        "group `db-a` cannot end: it is waiting"
    );
    assert_eq!(
        refused(&ReleaseEvent::TurnBack { group: fleet("db-a") }),
        "group `db-a` cannot go back: the release goes forward"
    );
    assert_eq!(
        refused(&ReleaseEvent::Retry { group: fleet("db-a") }),
        "group `db-a` cannot be retried: it is waiting"
    );
    finish(&mut release, &["db-a"]);
    begin(&mut release, "db-b");
    let mut refused = |event: &ReleaseEvent| release.apply(event).unwrap_err().to_string();
    assert_eq!(refused(&begin_of("db-a")), "group `db-a` cannot begin: it is done");
    assert_eq!(refused(&begin_of("db-b")), "group `db-b` cannot begin: it is running");
    release.apply(&ReleaseEvent::RollBack).unwrap();
    assert_eq!(release.apply(&ReleaseEvent::RollBack), Err(IllegalReleaseEvent::GoesBackAlready));
    release.apply(&ReleaseEvent::TurnBack { group: fleet("db-b") }).unwrap();
    let mut refused = |event: &ReleaseEvent| release.apply(event).unwrap_err().to_string();
    assert_eq!(
        refused(&ReleaseEvent::End { group: fleet("db-b"), outcome: GroupOutcome::Done }),
        "group `db-b` cannot be done: it is on its way back"
    );
    assert_eq!(
        refused(&begin_of("api-a")),
        "group `api-a` cannot begin: it waits for nothing: the release goes back"
    );
}

#[test]
fn a_release_of_nothing_is_done() {
    let release = Release::open(&ReleaseSpec::new()).unwrap();
    assert_eq!(release.outcome(), Some(immutable_core::release::ReleaseOutcome::Done));
    let error = release.phase(&fleet("web")).unwrap_err();
    assert_eq!(error.to_string(), "the release has no group `web`: it has none at all");
}
