//! When nobody interferes any more, every rollout ends, and in what it promised.

use immutable_core::planner::{Conclusion, FailReason};
use proptest::prelude::*;

use crate::case::Asked;
use crate::generate::{any_case, calm_case, config};
use crate::safety::play;
use crate::world::World;

/// No rollout of these sizes needs more rounds, each of which lets everything succeed or time pass.
const ROUNDS: u32 = 1_500;

proptest! {
    #![proptest_config(config())]

    /// After any misfortune the rollout ends within a bounded number of rounds: completed or rolled back with exactly the
    /// desired instances, all available and none with a reason to be replaced, or failed and saying why; and whenever it
    /// waits it says for what.
    #[test]
    fn every_rollout_ends_when_faults_stop(case in any_case()) {
        let Ok(Some(mut world)) = play(&case) else { return Ok(()) };
        let healed = world.heal(ROUNDS);
        prop_assert!(healed.is_ok(), "{}", healed.unwrap_err());
    }

    /// Where nothing goes wrong, a strategy of this library that was accepted completes, whatever the limits are; only a
    /// number of versions that leaves no room for the new one can prevent it.
    #[test]
    fn an_accepted_rollout_completes_when_nothing_goes_wrong(case in calm_case()) {
        let mut case = case;
        case.limits.max_versions = None;
        let fits = case.calendar.is_none();
        if matches!(case.strategy, Asked::Hostile { .. }) || !fits {
            return Ok(());
        }
        let Ok(plan) = case.plan() else { return Ok(()) };
        let mut world = World::open(&plan);
        let mut play = || {
            for event in &case.script {
                world.happen(event)?;
            }
            world.heal(ROUNDS)
        };
        match play() {
            Ok((Conclusion::Completed, _)) => {}
            Ok((conclusion, _)) => prop_assert!(false, "{}", conclusion),
            Err(broken) => prop_assert!(false, "{}", broken),
        }
    }

    /// A rollout that only waits for people, for chance or for time is not taken for a stuck one.
    #[test]
    fn waiting_is_no_failure(case in calm_case()) {
        let mut case = case;
        case.limits.max_versions = None;
        case.calendar = None;
        if matches!(case.strategy, Asked::Hostile { .. }) {
            return Ok(());
        }
        let Ok(Some(world)) = play(&case) else { return Ok(()) };
        if let Some(Conclusion::Failed { reason, .. } | Conclusion::RolledBack { reason }) = &world.over {
            prop_assert!(*reason != FailReason::NoProgress, "{}", reason);
        }
    }
}
