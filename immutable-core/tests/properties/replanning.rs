//! The same input gives the same bytes, and without a change there is nothing to do.

use immutable_core::journal::Fold;
use immutable_core::planner::{decide, explain};
use proptest::prelude::*;

use crate::case::Case;
use crate::generate::{any_case, config};
use crate::safety::play;

proptest! {
    #![proptest_config(config())]

    /// The same request of the same fleet gives the same plan, byte for byte, in whatever order the platform lists its
    /// instances.
    #[test]
    fn the_same_input_gives_the_same_bytes(case in any_case()) {
        let Ok(plan) = case.plan() else { return Ok(()) };
        let again = case.plan().unwrap();
        prop_assert_eq!(serde_json::to_vec(&plan).unwrap(), serde_json::to_vec(&again).unwrap());
        let mut snapshot = case.snapshot();
        snapshot.instances.reverse();
        let sorted = immutable_core::fleet::Snapshot::new(
            snapshot.fleet, snapshot.taken_at, snapshot.revision, snapshot.instances,
        );
        let reversed = case.request().plan(&sorted, &case.strategy).unwrap();
        prop_assert_eq!(plan.digest(), reversed.digest());
    }

    /// A journal is all there is to know: folding the same records anew gives an equal state, which decides and explains
    /// the same.
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

fn _unused(_: &Case) {}
