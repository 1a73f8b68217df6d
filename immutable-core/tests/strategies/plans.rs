//! The strategies carried out by the planner.

use immutable_core::fleet::{Health, Instance, Phase, Snapshot};
use immutable_core::limits::Limits;
use immutable_core::plan::{Plan, lint};
use immutable_core::planner::PlanRequest;
use immutable_core::strategy::{RolloutStrategy, StandardStrategy, StrategyContext};
use immutable_core::{Digest, FleetId, InstanceId, RolloutId, Timestamp, Zone};
use proptest::prelude::*;

use crate::any::{any_context, any_strategy, count};

/// Plans the rollout to v2 of a fleet in which every instance is ready and runs v1; v2 for a strategy that brings no image.
fn plan(strategy: &StandardStrategy, context: &StrategyContext) -> Plan {
    let budget = context.budget;
    let limits = Limits {
        max_surge: count(budget.max_surge.max(u32::from(budget.desired == 0))),
        max_unavailable: count(budget.max_unavailable),
        ..Limits::default()
    };
    let now: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
    let brings = !matches!(strategy, StandardStrategy::Rotate(_) | StandardStrategy::Repair(_));
    let image = Digest::of(if brings { b"v1" } else { b"v2" });
    let instance = |number: u32, zone: &Zone| {
        let id = InstanceId::new(format!("i-{number:03}")).unwrap();
        Instance::new(id, image, zone.clone(), Phase::Running(Health::Ready), Timestamp::UNIX_EPOCH)
    };
    let instances = (0..budget.desired).zip(context.zones.iter().cycle());
    let instances = instances.map(|(number, zone)| instance(number, zone)).collect();
    let snapshot = Snapshot::new(FleetId::new("web").unwrap(), now, 1, instances);
    PlanRequest::new(RolloutId::new("deploy-2").unwrap(), Digest::of(b"v2"), budget.desired)
        .limits(limits)
        .zones(context.zones.clone())
        .plan(&snapshot, strategy)
        .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever a strategy accepts, the planner brings to its end within the limits. An opportunistic one has no end of
    /// its own, and as long as nobody goes there is nothing to do.
    #[test]
    fn what_a_strategy_accepts_the_planner_finishes(strategy in any_strategy(), context in any_context()) {
        let usable = !context.zones.is_empty() && context.budget.desired <= 130;
        if !usable || strategy.stages(&context).is_err() {
            return Ok(());
        }
        let plan = plan(&strategy, &context);
        if matches!(strategy, StandardStrategy::Opportunistic(_)) {
            prop_assert!(plan.timeline.is_empty(), "{}", plan);
            return Ok(());
        }
        prop_assert_eq!(lint(&plan), [], "{}", plan);
        prop_assert!(plan.unfinished.is_none(), "{}", plan);
    }
}
