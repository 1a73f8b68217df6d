//! Which instances the strategies replace.

use std::time::Duration;

use immutable_core::fleet::{Health, Instance, Phase};
use immutable_core::strategy::{
    Canary, Candidate, Reason, Repair, Rolling, RolloutStrategy, Rotate, SlotOrder, StandardStrategy, Waves,
};
use immutable_core::{Digest, InstanceId, Seed, Timestamp, Zone};
use proptest::prelude::*;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn image(version: u8) -> Digest {
    Digest::of(&[version])
}

fn launched() -> Timestamp {
    "2026-11-23T10:00:00Z".parse().unwrap()
}

fn instance(number: u32, version: u8) -> Instance {
    let (id, zone) = (InstanceId::new(format!("i-{number}")).unwrap(), Zone::new("a").unwrap());
    Instance::new(id, image(version), zone, Phase::Running(Health::Ready), launched())
}

fn at(instance: &Instance, age: Duration) -> Candidate<'_> {
    let mut candidate = Candidate::new(instance, image(2), launched() + age);
    candidate.seed = Seed::new(7);
    candidate
}

#[test]
fn marks_are_obeyed_by_every_strategy() {
    let sound = instance(1, 2);
    let strategies = [StandardStrategy::default(), Rotate::new().into(), Repair::new().into()];
    for strategy in strategies {
        for mark in [Reason::Drifted, Reason::Revoked, Reason::Requested] {
            let mut candidate = at(&sound, DAY);
            assert_eq!(strategy.replaces(&candidate), None, "{strategy}");
            candidate.mark = Some(mark);
            assert_eq!(strategy.replaces(&candidate), Some(mark), "{strategy}");
        }
    }
}

/// What a plan says of each instance that it replaces.
#[test]
fn every_reason_is_told_in_words() {
    let reasons = [
        (Reason::Drifted, "drifted from its image"),
        (Reason::Revoked, "its image was revoked"),
        (Reason::Requested, "its replacement was asked for"),
        (Reason::Aged, "older than allowed"),
        (Reason::OtherImage, "runs another image"),
    ];
    for (reason, words) in reasons {
        assert_eq!(reason.to_string(), words);
    }
}

#[test]
fn another_image_is_the_business_of_those_that_bring_one() {
    let other = instance(1, 1);
    let replaces = |strategy: &dyn RolloutStrategy| strategy.replaces(&at(&other, DAY));
    assert_eq!(replaces(&Rolling::new()), Some(Reason::OtherImage));
    assert_eq!(replaces(&Waves::new()), Some(Reason::OtherImage));
    assert_eq!(replaces(&Rotate::new()), None);
    assert_eq!(replaces(&Rotate::new().other_images()), Some(Reason::OtherImage));
    assert_eq!(replaces(&Repair::new()), None);
}

#[test]
fn an_instance_is_due_at_its_greatest_age_at_the_latest() {
    let rotate = Rotate::new().max_age(10 * DAY).spread(0);
    let instance = instance(1, 2);
    assert_eq!(rotate.replaces(&at(&instance, 10 * DAY - Duration::from_millis(1))), None);
    assert_eq!(rotate.replaces(&at(&instance, 10 * DAY)), Some(Reason::Aged));
    let for_ever = rotate.max_age(Duration::MAX);
    assert_eq!(for_ever.replaces(&at(&instance, 10_000 * DAY)), None);
}

#[test]
fn instances_launched_together_come_due_apart() {
    let rotate = Rotate::new().max_age(100 * DAY).spread(50);
    let mut per_day = [0_u32; 50];
    for number in 0..5_000 {
        let instance = instance(number, 2);
        let age = rotate.due_at(&at(&instance, DAY)).since(launched());
        per_day[usize::try_from(age.as_secs() / DAY.as_secs()).unwrap() - 50] += 1;
    }
    // A hundred a day on average; a uniform spread stays within five standard deviations, which are fifty.
    assert!(per_day.iter().all(|due| (50..=150).contains(due)), "{per_day:?}");
}

#[test]
fn fleets_with_other_seeds_come_due_at_other_times() {
    let (rotate, instance) = (Rotate::new(), instance(1, 2));
    let mut other = at(&instance, DAY);
    other.seed = Seed::new(8);
    assert_ne!(rotate.due_at(&at(&instance, DAY)), rotate.due_at(&other));
}

#[test]
fn early_slots_are_the_same_in_every_rollout() {
    assert_eq!(Waves::new().order(), SlotOrder::Hashed);
    assert_eq!(Canary::default().order(), SlotOrder::Hashed);
    assert_eq!(Waves::zone_by_zone().order(), SlotOrder::ZoneByZone);
    assert_eq!(RolloutStrategy::order(&Rolling::new()), SlotOrder::Oldest);
    let ordered = Rolling::new().order(SlotOrder::Descending);
    assert_eq!(RolloutStrategy::order(&ordered), SlotOrder::Descending);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Each instance comes due once, between the spread and the greatest age, at the same moment whenever one asks.
    #[test]
    fn due_once_and_for_all(
        seconds in 1..=400_000_000_u64,
        spread in 0..=50_u32,
        number in any::<u32>(),
        asked in 0..=800_000_000_u64,
    ) {
        let age = Duration::from_secs(seconds);
        let rotate = Rotate::new().max_age(age).spread(spread);
        let instance = instance(number, 2);
        let candidate = at(&instance, Duration::from_secs(asked));
        let due = rotate.due_at(&candidate);
        prop_assert_eq!(due, rotate.due_at(&at(&instance, Duration::ZERO)));
        prop_assert!(due <= launched() + age);
        prop_assert!(due >= launched() + age * (100 - spread) / 100);
        let replaced = rotate.replaces(&candidate);
        prop_assert_eq!(replaced, (candidate.now >= due).then_some(Reason::Aged));
    }
}
