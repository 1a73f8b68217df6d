//! What holds for every strategy, whatever its fields, the size of the fleet and the limits are.

use immutable_core::limits::Limits;
use immutable_core::strategy::{
    BlueGreen, Canary, CanaryStep, Opportunistic, Recreate, Repair, Rolling, RollingBlueGreen,
    RolloutStrategy, Rotate, Share, StandardStrategy, StrategyContext, Waves,
};
use proptest::prelude::*;

use crate::any::{any_context, any_strategy, count, percent, share};
use crate::model::walk;

/// This many cases, unless `PROPTEST_CASES` asks for others than proptest's own 256.
fn config() -> ProptestConfig {
    let asked = ProptestConfig::default();
    let cases = if asked.cases == 256 { 20_000 } else { asked.cases };
    ProptestConfig { cases, failure_persistence: None, ..asked }
}

/// The same context with more room.
fn with_surge(context: &StrategyContext, surge: u32) -> StrategyContext {
    let limits = Limits {
        max_surge: count(surge),
        max_unavailable: count(context.budget.max_unavailable),
        ..Limits::default()
    };
    StrategyContext::new(limits.budget(context.budget.desired).unwrap()).zones(context.zones.clone())
}

/// The number after "raise max_surge to", if a text says so.
fn advised(text: &str) -> Option<u32> {
    let rest = text.split("raise max_surge to ").nth(1)?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

proptest! {
    #![proptest_config(config())]

    /// The last stage has the whole fleet new, nothing old, and all of the traffic if the traffic was shared.
    #[test]
    fn the_last_stage_is_the_whole_fleet(strategy in any_strategy(), context in any_context()) {
        let Ok(stages) = strategy.stages(&context) else { return Ok(()) };
        let last = stages.last().unwrap();
        prop_assert_eq!((last.new, last.old, last.baseline), (context.budget.desired, 0, 0));
        prop_assert!(last.share.is_none_or(|share| share == Share::ALL), "{}", last);
    }

    /// No group is ever larger than the fleet, both together fit into the limits, a baseline is a part of the old group,
    /// and neither the limits nor the strategy are needed to know which stages share the traffic: all or none.
    #[test]
    fn no_stage_asks_for_more_than_there_may_be(strategy in any_strategy(), context in any_context()) {
        let Ok(stages) = strategy.stages(&context) else { return Ok(()) };
        let budget = context.budget;
        for stage in &stages {
            prop_assert!(stage.new <= budget.desired && stage.old <= budget.desired, "{}", stage);
            prop_assert!(stage.new + stage.old <= budget.max_total(), "{}", stage);
            prop_assert!(stage.baseline <= stage.old, "{}", stage);
            prop_assert_eq!(stage.share.is_some(), stages[0].share.is_some());
        }
    }

    /// From stage to stage the new group never shrinks, the old one never grows, and traffic only moves to the new one.
    #[test]
    fn stages_only_go_forward(strategy in any_strategy(), context in any_context()) {
        let Ok(stages) = strategy.stages(&context) else { return Ok(()) };
        for pair in stages.windows(2) {
            let [before, after] = pair else { unreachable!() };
            prop_assert!(before.new <= after.new, "{} -> {}", before, after);
            prop_assert!(before.old >= after.old, "{} -> {}", before, after);
            prop_assert!(before.share <= after.share, "{} -> {}", before, after);
        }
    }

    /// While traffic is shared, each group has the instances for its part: the new one all of them, the old one all but
    /// what may be unavailable, and never none.
    #[test]
    fn shared_traffic_has_somebody_to_go_to(strategy in any_strategy(), context in any_context()) {
        let Ok(stages) = strategy.stages(&context) else { return Ok(()) };
        let (all, unavailable) = (context.budget.desired, context.budget.max_unavailable);
        for stage in stages {
            let Some(share) = stage.share else { continue };
            prop_assert!(stage.new >= share.of(all), "{}", stage);
            let rest = share.rest().of(all);
            prop_assert!(stage.old >= rest.saturating_sub(unavailable).max(rest.min(1)), "{}", stage);
        }
    }

    /// Every stage can be reached from the one before by what the design's table of acts allows, within the limits.
    #[test]
    fn every_stage_can_be_reached(strategy in any_strategy(), context in any_context()) {
        let Ok(stages) = strategy.stages(&context) else { return Ok(()) };
        let walked = walk(&stages, &context.budget);
        prop_assert!(walked.is_ok(), "{}", walked.unwrap_err());
    }

    /// The same context gives the same stages, and a strategy that was stored and read is the same strategy.
    #[test]
    fn a_stored_strategy_gives_the_same_stages(strategy in any_strategy(), context in any_context()) {
        let text = serde_json::to_string(&strategy).unwrap();
        let read: StandardStrategy = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&read, &strategy, "{}", text);
        prop_assert_eq!(read.stages(&context), strategy.stages(&context));
        prop_assert_eq!((read.name(), read.order()), (strategy.name(), strategy.order()));
    }

    /// How small a fleet is and what its sizes round to changes the numbers, never the gates: everything that has to pass
    /// in a large fleet has to pass in every one. (Zone by zone there is a wave for each zone, geometrically one for each
    /// power, and a preview of everything is the group itself.)
    #[test]
    fn no_gate_is_lost_to_rounding(strategy in any_strategy(), context in any_context()) {
        let large = StrategyContext::new(
            Limits { max_surge: percent(100), max_unavailable: percent(100), ..Limits::default() }
                .budget(100_000)
                .unwrap(),
        )
        .zones(context.zones.clone());
        let listed = match &strategy {
            StandardStrategy::Canary(_) | StandardStrategy::RollingBlueGreen(_) | StandardStrategy::Rolling(_) => true,
            StandardStrategy::Waves(_) => serde_json::to_string(&strategy).unwrap().contains("sizes"),
            _ => false,
        };
        let (Ok(here), Ok(there)) = (strategy.stages(&context), strategy.stages(&large)) else { return Ok(()) };
        if listed && context.budget.desired > 0 {
            let gates = |stages: &[immutable_core::strategy::Stage]| -> Vec<_> {
                stages.iter().flat_map(|stage| stage.gates.clone()).collect()
            };
            // A list whose last size is everything here has no further wave.
            let (here, there) = (gates(&here), gates(&there));
            prop_assert!(there.starts_with(&here), "{:?} {:?}", here, there);
            if !matches!(strategy, StandardStrategy::Waves(_)) {
                prop_assert_eq!(here.len(), there.len());
            }
        }
    }

    /// The way out that an error names is one: with the surge it asks for there are stages, or at least it asks no longer
    /// for what it was given.
    #[test]
    fn the_surge_that_an_error_asks_for_helps(strategy in any_strategy(), context in any_context()) {
        let mut context = context;
        let mut surge = context.budget.max_surge;
        // Each step of a canary may ask.
        for _ in 0..20 {
            let Err(error) = strategy.stages(&context) else { return Ok(()) };
            let Some(asked) = advised(&error.to_string()) else { return Ok(()) };
            prop_assert!(asked > surge, "{} asks for no more than {}", error, surge);
            surge = asked;
            context = with_surge(&context, surge);
        }
        let error = strategy.stages(&context).unwrap_err();
        prop_assert!(false, "asks without end: {}", error);
    }

    /// A complete second group is refused exactly when the surge has no room for it; stopping everything exactly when not
    /// everything may be unavailable.
    #[test]
    fn whole_groups_are_refused_exactly_without_room(context in any_context()) {
        let budget = context.budget;
        let room = budget.max_surge >= budget.desired;
        prop_assert_eq!(BlueGreen::new().stages(&context).is_ok(), room);
        prop_assert_eq!(BlueGreen::new().preview(count(1)).stages(&context).is_ok(), room);
        prop_assert_eq!(RollingBlueGreen::new().stages(&context).is_ok(), room);
        let down = budget.max_unavailable == budget.desired;
        prop_assert_eq!(Recreate::new().stages(&context).is_ok(), down);
    }

    /// What asks for nothing but the limits' own room is never refused.
    #[test]
    fn whatever_works_in_place_is_never_refused(context in any_context()) {
        let zoned = !context.zones.is_empty();
        let in_place: [StandardStrategy; 7] = [
            Rolling::new().into(),
            Canary::default().into(),
            Canary::new(CanaryStep::new(percent(5))).step(CanaryStep::new(percent(50))).into(),
            Waves::new().into(),
            Opportunistic::new().into(),
            Rotate::new().into(),
            Repair::new().into(),
        ];
        for strategy in in_place {
            prop_assert!(strategy.stages(&context).is_ok(), "{strategy}");
        }
        prop_assert_eq!(Waves::zone_by_zone().stages(&context).is_ok(), zoned);
    }

    /// A canary has exactly its size, and beside it what is missing to the fleet; only the last old instance may be one
    /// more, or one new instance less where nothing more may exist.
    #[test]
    fn a_canary_has_its_size(context in any_context(), size in 1..=100_u32) {
        let budget = context.budget;
        let stage = &Canary::new(CanaryStep::new(percent(size))).stages(&context).unwrap()[0];
        let wanted = percent(size).round_up(budget.desired);
        prop_assert!(stage.new + stage.old <= budget.desired + 1);
        if wanted < budget.desired || size == 100 {
            prop_assert_eq!((stage.new, stage.old), (wanted, budget.desired - wanted));
        } else if budget.desired > 0 && (budget.desired > 1 || budget.max_surge > 0) {
            prop_assert_eq!(stage.old, 1, "one to fall back on");
            prop_assert!(stage.new == wanted || (stage.new + 1 == wanted && budget.max_surge == 0));
        }
    }

    /// A canary beside the whole old group is refused exactly when the surge has no room for it.
    #[test]
    fn beside_all_is_refused_exactly_without_room(context in any_context(), size in 1..=100_u32) {
        let wanted = percent(size).round_up(context.budget.desired);
        let stages = Canary::new(CanaryStep::new(percent(size))).beside_all().stages(&context);
        prop_assert_eq!(stages.is_ok(), wanted <= context.budget.max_surge);
    }

    /// A share is refused exactly when its group is too small for it, or the limits have no room for what the others need.
    #[test]
    fn a_share_is_refused_exactly_without_capacity(
        context in any_context(),
        size in 1..=40_u32,
        hundredths in 0..=100_u8,
    ) {
        let budget = context.budget;
        let (all, share) = (budget.desired, share(hundredths));
        let new = size.min(all);
        let error = match Canary::new(CanaryStep::new(count(size)).share(share)).stages(&context) {
            Ok(_) => String::new(),
            Err(error) => error.to_string(),
        };
        let small = new < share.of(all);
        prop_assert_eq!(error.contains("or a share of"), small, "{}", &error);
        let rest = share.rest().of(all);
        let old = rest.saturating_sub(budget.max_unavailable).max(rest.min(1));
        let crowded = !small && new + old > budget.max_total();
        prop_assert_eq!(error.contains("nearer to each other"), crowded, "{}", &error);
    }

    /// Waves multiply by their factor until the rest is less than that.
    #[test]
    fn waves_grow_by_their_factor(context in any_context(), first in 1..=5_u32, factor in 2..=5_u32) {
        let stages = Waves::geometric(count(first), factor).stages(&context).unwrap();
        let all = context.budget.desired;
        for (number, stage) in (0..).zip(&stages) {
            prop_assert_eq!(stage.new, (u64::from(first) * u64::from(factor).pow(number)).min(all.into()) as u32);
            prop_assert_eq!(stage.old, all - stage.new);
        }
    }

    /// Zone by zone, each wave ends exactly where a zone's slots end, and no zone with a slot is left out.
    #[test]
    fn zone_waves_end_with_a_zone(context in any_context()) {
        if context.zones.is_empty() {
            return Ok(());
        }
        let (all, zones) = (context.budget.desired, context.zones.len() as u32);
        let stages = Waves::zone_by_zone().stages(&context).unwrap();
        let mut counted = Vec::new();
        for zone in 0..zones.min(all.max(1)) {
            // Slots `zone`, `zone + zones`, `zone + 2·zones` and so on.
            let slots = all.saturating_sub(zone).div_ceil(zones);
            counted.push(counted.last().unwrap_or(&0) + slots);
        }
        prop_assert_eq!(stages.iter().map(|stage| stage.new).collect::<Vec<_>>(), counted);
    }
}
