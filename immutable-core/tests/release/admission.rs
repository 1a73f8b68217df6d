//! The traffic guard over groups.

use std::num::NonZeroU32;

use immutable_core::limits::Limits;
use immutable_core::release::{
    Admission, Capacity, Group, GroupOutcome, Release, ReleaseEvent, ReleaseSpec, Service,
};
use immutable_core::strategy::Share;
use immutable_core::{FleetId, Quantity, ServiceName};

use crate::world::{begin, end, finish, fleet};

/// Groups `a`, `b`, `c` of one service, and `other` of none.
fn service_of_three(share: u8) -> ReleaseSpec {
    let web = ServiceName::new("web").unwrap();
    let group = |name| Group::new(fleet(name)).service(web.clone());
    ReleaseSpec::new()
        .service(Service::new(web.clone(), Share::new(share).unwrap()))
        .group(group("a"))
        .group(group("b"))
        .group(group("c"))
        .group(Group::new(fleet("other")))
}

fn names(groups: &[FleetId]) -> Vec<&str> {
    groups.iter().map(FleetId::as_str).collect()
}

fn floor(admission: &Admission, group: &str) -> Option<u32> {
    admission.floors.get(&fleet(group)).copied()
}

#[test]
fn groups_under_way_have_their_part_first() {
    let mut release = Release::open(&service_of_three(80)).unwrap();
    begin(&mut release, "c");
    // 24 of 30 must serve, so six may leave.
    let now = release.admit(|_| Capacity::new(10, 10).min_available(6));
    assert_eq!(floor(&now, "c"), Some(6));
    assert_eq!((names(&now.begin), floor(&now, "a"), floor(&now, "b")), (vec!["a", "other"], Some(8), None));
    assert_eq!(now.refused.keys().map(FleetId::as_str).collect::<Vec<_>>(), ["b"]);
}

#[test]
fn a_group_that_can_launch_first_needs_nothing() {
    let release = Release::open(&service_of_three(100)).unwrap();
    let now = release.admit(|_| Capacity::new(10, 10).min_available(10));
    assert_eq!(names(&now.begin), ["a", "b", "c", "other"]);

    // It may also take some out of service, only not here: it begins, and its floor makes it launch first.
    let limits = Limits { max_unavailable: Quantity::Percent(20), ..Limits::default() };
    let budget = limits.budget(10).unwrap();
    let now = release.admit(|_| Capacity::within(&budget, 10));
    assert_eq!((names(&now.begin), floor(&now, "a")), (vec!["a", "b", "c", "other"], Some(10)));
    assert!(now.refused.is_empty());
}

#[test]
fn a_refused_group_leaves_its_place_to_the_next() {
    let release = Release::open(&service_of_three(100).max_running(NonZeroU32::new(2).unwrap())).unwrap();
    let greedy = ["a", "b"].map(fleet);
    let now = release.admit(|group| {
        let capacity = Capacity::new(10, 10);
        if greedy.contains(group) { capacity } else { capacity.min_available(10) }
    });
    assert_eq!(names(&now.begin), ["c", "other"]);
    assert_eq!(now.refused.len(), 2);
}

#[test]
fn after_an_outage_nothing_leaves_a_service_below_its_share() {
    let mut release = Release::open(&service_of_three(70)).unwrap();
    begin(&mut release, "a");
    let dark = fleet("b");
    let now = release.admit(|group| {
        let serving = if *group == dark { 0 } else { 10 };
        Capacity::new(10, serving).min_available(5)
    });
    assert_eq!(floor(&now, "a"), Some(10), "20 of 30 serve, 21 must");
    assert_eq!(names(&now.begin), ["b", "other"], "`b` has nothing that could leave service");
    assert_eq!(floor(&now, "b"), Some(5), "its own limit, once it serves again");
}

#[test]
fn the_way_back_is_guarded_too() {
    let mut release = Release::open(&service_of_three(80)).unwrap();
    finish(&mut release, &["a", "b"]);
    begin(&mut release, "c");
    end(&mut release, "c", GroupOutcome::Failed);
    release.apply(&ReleaseEvent::RollBack).unwrap();
    let now = release.admit(|_| Capacity::new(10, 10).min_available(5));
    assert_eq!((names(&now.begin), names(&now.turn_back)), (vec![], vec!["c", "b"]));
    assert_eq!((floor(&now, "c"), floor(&now, "b")), (Some(5), Some(9)));
}

#[test]
fn without_a_guarded_service_nothing_is_asked_for() {
    let release = Release::open(&crate::world::tiers()).unwrap();
    let now = release.admit(|group| panic!("asked for {group}"));
    assert_eq!(names(&now.begin), ["db-a", "db-b"]);
    assert!(now.floors.is_empty() && now.refused.is_empty());
}
