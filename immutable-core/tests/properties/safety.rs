//! Whatever happens, no act of the kernel breaks an invariant: S1–S4, S6–S11 and S13 of the design, the rate of launches,
//! the rest of a slot that failed, passive stages, closed calendars; and the kernel takes in whatever it decides itself.
//! [`crate::checks`] has each in words.

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::case::{Asked, Case};
use crate::checks::Broken;
use crate::generate::{any_case, config};
use crate::world::World;

/// Plays a case; `None` if there is no plan for it.
pub(crate) fn play(case: &Case) -> Result<Option<World>, Broken> {
    let Ok(plan) = case.plan() else { return Ok(None) };
    let mut world = World::open(&plan);
    for event in &case.script {
        world.happen(event)?;
    }
    Ok(Some(world))
}

proptest! {
    #![proptest_config(config())]

    /// Instances die, flap, appear and are set apart, people resize, retarget, relimit, pause, approve, roll back and abort
    /// between decisions, and strategies ask for anything: every single act keeps every limit.
    #[test]
    fn no_act_breaks_a_limit_whatever_happens(case in any_case()) {
        let played = play(&case);
        prop_assert!(played.is_ok(), "{}", played.err().unwrap());
    }
}

/// The properties would hold of cases that nobody could plan, too.
#[test]
fn most_cases_have_a_plan_and_acts() {
    use proptest::strategy::ValueTree;
    let mut runner = TestRunner::deterministic();
    let (mut planned, mut hostile, mut acted, mut over) = (0, 0, 0, 0);
    for _ in 0..1_000 {
        let case = any_case().new_tree(&mut runner).unwrap().current();
        let Ok(Some(world)) = play(&case) else { continue };
        planned += 1;
        hostile += u32::from(matches!(case.strategy, Asked::Hostile { .. }));
        acted += u32::from(!world.ledger.books.launches.is_empty());
        over += u32::from(world.over.is_some());
    }
    assert!(
        planned > 500 && hostile > 100 && acted > 350 && over > 100,
        "{planned} {hostile} {acted} {over}"
    );
}
