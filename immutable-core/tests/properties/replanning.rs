//! The same input gives the same bytes, and without a change there is nothing to do.

use immutable_core::RolloutId;
use immutable_core::fleet::{Health, Instance, Phase, Snapshot};
use immutable_core::journal::Fold;
use immutable_core::plan::lint;
use immutable_core::planner::{Conclusion, Member, PlanRequest, decide, explain};
use immutable_core::strategy::StandardStrategy;
use proptest::prelude::*;

use crate::case::{Asked, start};
use crate::generate::{any_case, calm_case, config, config_of};
use crate::safety::play;

proptest! {
    #![proptest_config(config())]

    /// The same request of the same fleet gives the same plan, byte for byte.
    #[test]
    fn the_same_input_gives_the_same_bytes(case in any_case()) {
        let Ok(plan) = case.plan() else { return Ok(()) };
        let again = case.plan().unwrap();
        prop_assert!(plan == again);
        if case.seed > 0 {
            // Equal plans have equal bytes; to look at some is enough.
            return Ok(());
        }
        prop_assert_eq!(serde_json::to_vec(&plan).unwrap(), serde_json::to_vec(&again).unwrap());
    }

    /// Nothing is launched, retired or waited for when the fleet that a rollout has made is planned for once more.
    #[test]
    fn replanning_without_a_change_is_a_no_op(case in calm_case()) {
        let is_about_time = matches!(
            case.strategy,
            Asked::Standard(StandardStrategy::Rotate(_)) | Asked::Hostile { replaces_target: true, .. }
        );
        let Ok(Some(mut world)) = play(&case) else { return Ok(()) };
        if is_about_time || world.heal(1_500).map_err(TestCaseError::fail)?.0 != Conclusion::Completed {
            return Ok(());
        }
        let books = &world.ledger.books;
        let instance = |member: Member<'_>| {
            let (id, image, zone) = (member.instance.unwrap().clone(), member.image, member.zone.clone());
            Instance::new(id, image, zone, Phase::Running(Health::Ready), start())
        };
        let instances = world.state().members().map(instance).collect();
        let now = world.now + std::time::Duration::from_secs(100);
        let snapshot = Snapshot::new(books.spec.fleet.clone(), now, 0, instances);
        let request = PlanRequest::new(RolloutId::new("again").unwrap(), books.target, books.desired)
            .limits(books.limits.clone())
            .zones(books.spec.zones.clone());
        let plan = request.plan(&snapshot, &case.strategy).unwrap();
        prop_assert!(plan.timeline.is_empty() && plan.makespan.is_zero() && plan.unfinished.is_none(), "{plan}");
        prop_assert_eq!(lint(&plan), []);
    }
}

proptest! {
    #![proptest_config(config_of(100_000))]

    /// The next decision, made from what is kept along with every event, is that of a full replan: a journal is all there is
    /// to know, and folding the same records anew gives an equal state, which decides and explains the same.
    #[test]
    fn the_same_records_give_the_same_state(case in any_case()) {
        let Ok(Some(world)) = play(&case) else { return Ok(()) };
        let mut fold = Fold::new(world.fold.rollout().clone());
        for (at, record) in &world.records {
            fold.record(record, *at).unwrap();
        }
        let (state, again) = (world.state(), fold.state().unwrap());
        prop_assert!(state == again);
        prop_assert_eq!(decide(state, world.now), decide(again, world.now));
        prop_assert_eq!(explain(state, world.now), explain(again, world.now));
    }
}
