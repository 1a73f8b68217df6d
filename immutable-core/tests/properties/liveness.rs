//! When nobody interferes any more, every rollout ends, and in what it promised.

use immutable_core::calendar::OnClose;
use immutable_core::planner::Conclusion;
use proptest::prelude::*;

use crate::case::Asked;
use crate::generate::{any_case, calm_case, config};
use crate::safety::play;

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

    /// Preview and execution agree: what the plan says will be finished is completed where nothing goes wrong, in whatever
    /// order the platform does its part; a rollout that only waits is not taken for a stuck one. (Not so where stages take
    /// back what others gave: how far each gets then depends on the order.)
    #[test]
    fn what_is_planned_completes_when_nothing_goes_wrong(case in calm_case()) {
        let Ok(plan) = case.plan() else { return Ok(()) };
        let is_hostile = matches!(case.strategy, Asked::Hostile { .. });
        if is_hostile || plan.unfinished.is_some() || case.calendar == Some(OnClose::Rollback) {
            return Ok(());
        }
        let played = play(&case).and_then(|world| world.unwrap().heal(ROUNDS));
        match played {
            Ok((Conclusion::Completed, _)) => {}
            Ok((conclusion, _)) => prop_assert!(false, "{}", conclusion),
            Err(broken) => prop_assert!(false, "{}", broken),
        }
    }
}
