//! What limits are in numbers, and at which number each of them is refused.

use std::time::Duration;

use immutable_core::limits::{Budget, LaunchRate, Limits, LimitsError, RollbackLimits, Tokens};
use immutable_core::{Quantity, Timestamp};

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn limits(max_surge: &str, max_unavailable: &str) -> Limits {
    let quantity = |text: &str| text.parse().unwrap_or_else(|_| Quantity::Count(text.parse().unwrap()));
    let (max_surge, max_unavailable) = (quantity(max_surge), quantity(max_unavailable));
    Limits { max_surge, max_unavailable, ..Limits::default() }
}

/// Limits of 2 and 2, and these for each zone.
fn zoned(surge: Option<u32>, unavailable: Option<u32>) -> Limits {
    Limits {
        max_surge_per_zone: surge.map(Quantity::Count),
        max_unavailable_per_zone: unavailable.map(Quantity::Count),
        ..limits("2", "2")
    }
}

#[test]
fn a_fleet_may_have_as_many_slots_as_are_counted_and_not_one_more() {
    let most = Budget::MAX_DESIRED;
    assert_eq!(Limits::default().budget(most).unwrap().desired, most);
    let refused = Limits::default().budget(most + 1).unwrap_err();
    assert_eq!(refused, LimitsError::TooMany { desired: most + 1, most });
}

#[test]
fn a_rollout_may_stand_still_for_longer_than_its_slowest_instance() {
    let limits = |progress_deadline| Limits {
        min_ready: secs(60),
        healthy_deadline: secs(300),
        progress_deadline,
        ..Limits::default()
    };
    assert!(matches!(limits(secs(360)).budget(10), Err(LimitsError::ProgressDeadline { .. })));
    assert!(limits(secs(361)).budget(10).is_ok());
}

/// Percentages that are nothing of this fleet are refused as 0 and 0 are, but not of a fleet that has no instance yet.
#[test]
fn one_more_or_one_fewer_must_be_possible() {
    let cases = [
        ("0", "0", 10, false),
        ("0", "0", 0, false),
        ("0", "1", 10, true),
        ("1", "0", 10, true),
        ("0", "9%", 10, false),
        ("0", "10%", 10, true),
        ("0", "9%", 0, true),
        ("1%", "0", 0, true),
    ];
    for (surge, unavailable, desired, allowed) in cases {
        let budget = limits(surge, unavailable).budget(desired);
        assert_eq!(budget.is_ok(), allowed, "{surge} and {unavailable} of {desired}: {budget:?}");
    }
}

#[test]
fn the_way_back_has_its_own_limits_or_the_same() {
    let (max_surge, max_unavailable) = (Quantity::Count(0), Quantity::Percent(33));
    let own = Limits { rollback: Some(RollbackLimits { max_surge, max_unavailable }), ..limits("1", "0") };
    let numbers = |budget: Budget| (budget.max_total(), budget.min_available());
    assert_eq!(numbers(own.budget(10).unwrap()), (11, 10));
    assert_eq!(numbers(own.rollback_budget(10).unwrap()), (10, 7));
    assert_eq!(numbers(limits("1", "0").rollback_budget(10).unwrap()), (11, 10));
    let refused = own.rollback_budget(3).unwrap_err();
    assert!(matches!(refused, LimitsError::BothZero { scope: "rollback.", .. }), "{refused}");
}

#[test]
fn the_slots_are_dealt_to_the_zones_in_turn() {
    let sizes = |desired: u32, zones: u32| {
        let budget = limits("1", "0").budget(desired).unwrap();
        (0..=zones).map(|zone| budget.slots_in_zone(zone, zones)).collect::<Vec<_>>()
    };
    assert_eq!(sizes(8, 3), [3, 3, 2, 0], "and a zone that is not one of them has none");
    assert_eq!(sizes(6, 3), [2, 2, 2, 0]);
    assert_eq!(sizes(2, 3), [1, 1, 0, 0]);
    assert_eq!(sizes(5, 0), [5], "without a list there is one zone");
}

#[test]
fn a_zone_without_limits_of_its_own_may_lose_all_and_get_any_number() {
    let numbers = |limits: &Limits| {
        let zone = limits.zone_budget(5);
        (zone.max_total, zone.min_available, limits.has_zone_limits())
    };
    assert_eq!(numbers(&zoned(None, None)), (u32::MAX, 0, false));
    assert_eq!(numbers(&zoned(Some(2), None)), (7, 0, true));
    assert_eq!(numbers(&zoned(None, Some(2))), (u32::MAX, 3, true));
    assert_eq!(numbers(&zoned(Some(0), Some(9))), (5, 0, true));
    let shares = Limits {
        max_surge_per_zone: Some(Quantity::Percent(50)),
        max_unavailable_per_zone: Some(Quantity::Percent(50)),
        ..Limits::default()
    };
    assert_eq!(numbers(&shares), (8, 3, true), "half of five: three more, or two fewer");
}

/// Something can be replaced in a zone if it may have one more, by its own limit and by that of the fleet, or one fewer.
#[test]
fn in_every_zone_something_must_be_replaceable() {
    // Surge and unavailable of the fleet, then of a zone, and whether that lets anything move.
    let cases = [
        (("2", "2"), (None, None), true),
        (("2", "2"), (Some(0), None), true),
        (("2", "2"), (None, Some(0)), true),
        (("2", "2"), (Some(0), Some(0)), false),
        (("2", "2"), (Some(1), Some(0)), true),
        (("2", "2"), (Some(0), Some(1)), true),
        (("2", "0"), (Some(0), None), false),
        (("2", "0"), (Some(1), Some(0)), true),
        (("0", "2"), (None, Some(0)), false),
        (("0", "2"), (Some(0), Some(1)), true),
    ];
    for ((surge, unavailable), (zone_surge, zone_unavailable), allowed) in cases {
        let limits = Limits {
            max_surge_per_zone: zone_surge.map(Quantity::Count),
            max_unavailable_per_zone: zone_unavailable.map(Quantity::Count),
            ..limits(surge, unavailable)
        };
        let checked = limits.check_zones(&limits.budget(9).unwrap(), 3);
        assert_eq!(checked.is_ok(), allowed, "{limits:?}: {checked:?}");
    }
}

#[test]
fn a_zone_in_which_nothing_can_move_is_refused_in_numbers() {
    // A third of six are two, of three one, and of two none at all.
    let limits = Limits { max_unavailable_per_zone: Some(Quantity::Percent(34)), ..zoned(Some(0), None) };
    assert!(limits.check_zones(&limits.budget(12).unwrap(), 2).is_ok());
    let refused = limits.check_zones(&limits.budget(5).unwrap(), 2).unwrap_err();
    let LimitsError::ZoneZero { size, max_surge_per_zone, max_unavailable_per_zone, .. } = &refused else {
        panic!("{refused}")
    };
    assert_eq!((*size, &max_surge_per_zone[..], &max_unavailable_per_zone[..]), (2, "0", "0"));
    let surge_only = Limits { max_unavailable: Quantity::Count(0), ..zoned(Some(0), Some(2)) };
    let refused = surge_only.check_zones(&surge_only.budget(9).unwrap(), 3).unwrap_err();
    let LimitsError::ZoneZero {
        max_surge,
        max_unavailable,
        max_surge_per_zone,
        max_unavailable_per_zone,
        ..
    } = &refused
    else {
        panic!("{refused}")
    };
    assert_eq!((*max_surge, &max_surge_per_zone[..]), (2, "0"));
    assert_eq!((*max_unavailable, &max_unavailable_per_zone[..]), (0, "2"));
    let unlimited = Limits { max_surge: Quantity::Count(0), ..zoned(None, Some(0)) };
    let refused = unlimited.check_zones(&unlimited.budget(9).unwrap(), 3).unwrap_err();
    assert!(refused.to_string().contains("max_surge_per_zone unlimited"), "{refused}");
}

/// A zone that has no slot cannot be in the way.
#[test]
fn zones_without_slots_are_not_checked() {
    let limits = zoned(Some(0), Some(1));
    assert!(limits.check_zones(&limits.budget(2).unwrap(), 3).is_ok());
}

#[test]
fn a_bucket_refills_one_by_one_and_no_further_than_its_burst() {
    let rate = LaunchRate { burst: 3, every: secs(10) };
    let start = Timestamp::UNIX_EPOCH;
    let at = |secs: u64| start + self::secs(secs);
    let full = Tokens::full(&rate, start);
    assert_eq!((full.available(&rate, start), full.next(&rate, start)), (3, None));
    let empty = (0..3).fold(full, |tokens, _| tokens.take(&rate, start));
    let levels = [0, 9, 10, 19, 20, 29, 30, 31, 1000].map(|now| empty.available(&rate, at(now)));
    assert_eq!(levels, [0, 0, 1, 1, 2, 2, 3, 3, 3]);
    let nexts = [0, 9, 10, 25, 29, 30, 1000].map(|now| empty.next(&rate, at(now)));
    assert_eq!(
        nexts,
        [Some(10), Some(10), Some(20), Some(30), Some(30), None, None].map(|next| next.map(at))
    );
    // What was taken at 25 leaves one of the two, and the ten seconds that began at 20 go on.
    let taken = empty.take(&rate, at(25));
    assert_eq!((taken.available(&rate, at(29)), taken.available(&rate, at(30))), (1, 2));
    // A bucket that was full begins its ten seconds when the first one is taken.
    let late = full.take(&rate, at(1005));
    assert_eq!((late.available(&rate, at(1014)), late.next(&rate, at(1014))), (2, Some(at(1015))));
}
