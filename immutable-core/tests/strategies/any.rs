//! Any strategy in any context.

use std::collections::BTreeMap;
use std::time::Duration;

use immutable_core::limits::{Budget, Limits};
use immutable_core::strategy::{
    BlueGreen, Canary, CanaryStep, Opportunistic, Recreate, Repair, Rolling, RollingBlueGreen,
    RolloutStrategy, Rotate, Share, SlotOrder, StandardStrategy, StrategyContext, Waves,
};
use immutable_core::{GateName, Quantity, Zone};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

pub(crate) fn count(count: u32) -> Quantity {
    Quantity::Count(count)
}

pub(crate) fn percent(percent: u32) -> Quantity {
    Quantity::Percent(percent)
}

pub(crate) fn share(hundredths: u8) -> Share {
    Share::new(hundredths).unwrap()
}

pub(crate) fn name(text: &str) -> GateName {
    GateName::new(text).unwrap()
}

/// So many instances, so many more, so many fewer, in no zone.
pub(crate) fn context(desired: u32, surge: u32, unavailable: u32) -> StrategyContext {
    StrategyContext::new(budget(desired, surge, unavailable))
}

fn budget(desired: u32, surge: u32, unavailable: u32) -> Budget {
    let limits = Limits { max_surge: count(surge), max_unavailable: count(unavailable), ..Limits::default() };
    limits.budget(desired).unwrap()
}

/// Small fleets mostly, in which rounding matters, and now and then a large one; tight limits and wide ones.
pub(crate) fn any_context() -> impl Strategy<Value = StrategyContext> {
    let desired = prop_oneof![6 => 0..=12_u32, 3 => 13..=130_u32, 1 => 131..=2_000_u32];
    let part = |desired: u32| {
        prop_oneof![Just(0), 0..=3_u32, 0..=desired, Just(desired), desired..=desired.saturating_mul(2)]
    };
    (desired.prop_flat_map(move |desired| (Just(desired), part(desired), part(desired))), 0..=6_usize)
        .prop_map(|((desired, surge, unavailable), zones)| {
            // Limits of nothing are refused before any strategy is asked.
            let surge = if surge + unavailable == 0 { 1 } else { surge };
            let zones = (0..zones).map(|number| Zone::new(format!("zone-{number}")).unwrap()).collect();
            context(desired, surge, unavailable).zones(zones)
        })
}

fn any_bake() -> impl Strategy<Value = Duration> {
    (0..=3_u64).prop_map(|minutes| Duration::from_secs(60 * minutes))
}

fn any_size() -> impl Strategy<Value = Quantity> {
    prop_oneof![(1..=15_u32).prop_map(count), (1..=100_u32).prop_map(percent)]
}

/// Sizes of one kind that grow, as a sensible person writes them, or any at all.
fn any_sizes() -> impl Strategy<Value = Vec<Quantity>> {
    let growing = |most: u32, kind: fn(u32) -> Quantity| {
        prop::collection::btree_set(1..=most, 1..=5).prop_map(move |set| set.into_iter().map(kind).collect())
    };
    prop_oneof![
        4 => growing(40, count),
        4 => growing(100, percent),
        1 => prop::collection::vec(any_size(), 1..=4),
    ]
}

fn any_step(number: usize, size: Quantity, share: Option<Share>) -> impl Strategy<Value = CanaryStep> {
    (any_bake(), any::<bool>(), any::<bool>(), prop::bool::weighted(0.1)).prop_map(
        move |(bake, check, approval, baseline)| {
            let mut step = CanaryStep::new(size).bake(bake);
            if let Some(share) = share {
                step = step.share(share);
            }
            if check {
                step = step.check(name("errors"));
            }
            if approval {
                step = step.approve(name(&format!("go-{number}")));
            }
            if baseline { step.baseline() } else { step }
        },
    )
}

fn any_canary() -> impl Strategy<Value = Canary> {
    // Without shares, with a share that fits its percentage, and with any that grows.
    let kind = select(vec![0, 1, 1, 2]);
    (any_sizes(), kind, prop::collection::btree_set(0..=100_u8, 5)).prop_flat_map(|(sizes, kind, shares)| {
        let share_of = move |size: Quantity, any: u8| match (kind, size) {
            (0, _) => None,
            (1, Quantity::Percent(percent)) => Some(share(u8::try_from(percent).unwrap())),
            _ => Some(share(any)),
        };
        let steps: Vec<_> = sizes
            .into_iter()
            .zip(shares)
            .enumerate()
            .map(|(number, (size, any))| any_step(number, size, share_of(size, any)))
            .collect();
        (steps, any::<bool>(), prop::bool::weighted(0.3), any_bake()).prop_map(
            |(steps, start, beside_all, bake)| {
                let mut steps = steps.into_iter();
                let first = Canary::new(steps.next().unwrap());
                let mut canary = steps.fold(first, Canary::step).bake(bake);
                if start {
                    canary = canary.approve_start(name("start"));
                }
                if beside_all { canary.beside_all() } else { canary }
            },
        )
    })
}

fn any_waves() -> impl Strategy<Value = Waves> {
    let pattern = prop_oneof![
        2 => (any_size(), 2..=5_u32).prop_map(|(first, factor)| Waves::geometric(first, factor)),
        2 => any_sizes().prop_map(Waves::sizes),
        1 => Just(Waves::zone_by_zone()),
    ];
    (pattern, any_bake(), any::<bool>()).prop_map(|(waves, bake, approve)| {
        let waves = waves.bake(bake).check(name("errors"));
        if approve { waves.approve_first(name("go")) } else { waves }
    })
}

fn any_blue_green() -> impl Strategy<Value = BlueGreen> {
    (prop::option::of(any_size()), any_bake(), any::<bool>()).prop_map(|(preview, hold, approve)| {
        let mut strategy = BlueGreen::new().hold(hold).smoke(name("smoke")).check(name("errors"));
        if let Some(preview) = preview {
            strategy = strategy.preview(preview);
        }
        if approve { strategy.approve_switch(name("go")) } else { strategy }
    })
}

fn any_rolling_blue_green() -> impl Strategy<Value = RollingBlueGreen> {
    (prop::collection::btree_set(1..=100_u8, 1..=6), any_bake()).prop_map(|(steps, bake)| {
        RollingBlueGreen::new().steps(steps.into_iter().map(share)).bake(bake).smoke(name("smoke"))
    })
}

pub(crate) fn any_strategy() -> impl Strategy<Value = StandardStrategy> {
    let orders = [SlotOrder::Oldest, SlotOrder::Hashed, SlotOrder::ZoneByZone, SlotOrder::Descending];
    let rolling = (any_bake(), select(orders.to_vec()))
        .prop_map(|(bake, order)| Rolling::new().bake(bake).order(order).approve_start(name("start")));
    let rotate = (1..=10_000_000_u64, 0..=50_u32, any::<bool>()).prop_map(|(age, spread, other)| {
        let rotate = Rotate::new().max_age(Duration::from_secs(age)).spread(spread);
        if other { rotate.other_images() } else { rotate }
    });
    let recreate = any_bake().prop_map(|bake| Recreate::new().bake(bake).check_stopped(name("moved")));
    prop_oneof![
        1 => rolling.prop_map(StandardStrategy::from),
        1 => any_blue_green().prop_map(StandardStrategy::from),
        1 => any_rolling_blue_green().prop_map(StandardStrategy::from),
        5 => any_canary().prop_map(StandardStrategy::from),
        3 => any_waves().prop_map(StandardStrategy::from),
        1 => recreate.prop_map(StandardStrategy::from),
        1 => Just(Opportunistic::new().into()),
        1 => rotate.prop_map(StandardStrategy::from),
        1 => Just(Repair::new().into()),
    ]
}

/// The properties would hold of strategies that refuse everything, too.
#[test]
fn most_strategies_have_stages() {
    let mut runner = TestRunner::deterministic();
    let mut seen: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    let mut moved_in_parts = 0;
    for _ in 0..4_000 {
        let case = (any_strategy(), any_context()).new_tree(&mut runner).unwrap().current();
        let (strategy, context) = case;
        let (fine, all) = seen.entry(strategy.name().to_owned()).or_default();
        *all += 1;
        if let Ok(stages) = strategy.stages(&context) {
            *fine += 1;
            moved_in_parts += u32::from(
                stages.iter().rev().skip(1).any(|stage| stage.share.is_some() && stage.gates.is_empty()),
            );
        }
    }
    assert_eq!(seen.len(), 9, "{seen:?}");
    assert!(seen.values().all(|(fine, all)| fine * 4 > *all), "{seen:?}");
    assert!(moved_in_parts > 50, "{moved_in_parts}");
}
