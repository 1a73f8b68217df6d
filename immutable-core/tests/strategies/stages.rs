//! The stages of single cases, in full.

use std::time::Duration;

use immutable_core::Quantity;
use immutable_core::strategy::{
    BlueGreen, Canary, CanaryStep, Recreate, RollingBlueGreen, RolloutStrategy, StrategyContext, Waves,
};

use crate::any::{context, count, name, percent, share};

fn shown(strategy: &dyn RolloutStrategy, context: &StrategyContext) -> Vec<String> {
    strategy.stages(context).unwrap().iter().map(ToString::to_string).collect()
}

fn step(size: Quantity) -> CanaryStep {
    CanaryStep::new(size).bake(Duration::ZERO)
}

#[test]
fn traffic_moves_in_the_fewest_parts_and_takes_no_new_instance_back() {
    let canary = Canary::new(step(count(3)).share(share(10)));
    assert_eq!(
        shown(&canary, &context(10, 3, 0)),
        [
            "3 new, 9 old, 10% of the traffic",
            "4 new, 6 old, 40% of the traffic",
            "7 new, 3 old, 70% of the traffic",
            "10 new, 0 old, 100% of the traffic",
        ]
    );
    assert_eq!(
        shown(&canary, &context(10, 2, 1)),
        [
            "3 new, 9 old, 10% of the traffic",
            "5 new, 5 old, 50% of the traffic",
            "9 new, 1 old, 90% of the traffic",
            "10 new, 0 old, 100% of the traffic",
        ]
    );
    assert_eq!(
        shown(&Canary::new(step(count(5)).share(share(10))), &context(10, 5, 0))[1],
        "6 new, 4 old, 60% of the traffic"
    );
    // The next share that fits needs fewer than are there already.
    let large = shown(&Canary::new(step(count(125)).share(share(10))), &context(1_000, 29, 0));
    let at = large.iter().position(|stage| stage == "125 new, 900 old, 10% of the traffic").unwrap();
    assert_eq!(large[at + 1], "125 new, 880 old, 12% of the traffic");
}

#[test]
fn sizes_that_round_to_the_same_stay_two_steps() {
    let canary = Canary::new(step(percent(5)).check(name("a"))).step(step(percent(10)).check(name("b")));
    assert_eq!(
        shown(&canary, &context(10, 1, 0)),
        ["1 new, 9 old, check `a`", "1 new, 9 old, check `b`", "10 new, 0 old"]
    );
}

#[test]
fn only_the_first_wave_waits_for_approval() {
    let waves = Waves::new().bake(Duration::ZERO).approve_first(name("go"));
    assert_eq!(
        shown(&waves, &context(5, 1, 0)),
        ["1 new, 4 old, approval `go`", "3 new, 2 old", "5 new, 0 old"]
    );
}

#[test]
fn a_preview_of_everything_is_the_group_itself() {
    let strategy = BlueGreen::new().preview(percent(100)).smoke(name("smoke")).hold(Duration::ZERO);
    assert_eq!(
        shown(&strategy, &context(3, 3, 0)),
        [
            "3 new, 3 old, 0% of the traffic, check `smoke`",
            "3 new, 3 old, 100% of the traffic",
            "3 new, 0 old, 100% of the traffic",
        ]
    );
}

#[test]
fn all_of_the_traffic_is_one_step_also_when_it_is_written() {
    let written = RollingBlueGreen::new().steps([share(50), share(100)]);
    let context = context(4, 4, 0);
    assert_eq!(written.stages(&context), RollingBlueGreen::new().steps([share(50)]).stages(&context));
    assert_eq!(written.stages(&context).unwrap().len(), 3);
    assert_eq!(written.to_string(), "rolling blue/green, 50%, 100% of the traffic, bakes for 600s");
}

#[test]
fn a_step_may_grow_without_more_of_the_traffic() {
    let canary = Canary::new(step(count(1)).share(share(10))).step(step(count(5)).share(share(10)));
    assert_eq!(
        shown(&canary, &context(10, 10, 0)),
        [
            "1 new, 9 old, 10% of the traffic",
            "5 new, 9 old, 10% of the traffic",
            "10 new, 0 old, 100% of the traffic"
        ]
    );
}

#[test]
fn a_second_group_is_looked_at_before_any_traffic_and_after_each_part_of_it() {
    let strategy = RollingBlueGreen::new()
        .steps([share(50)])
        .smoke(name("smoke"))
        .approve_switch(name("go"))
        .bake(Duration::ZERO)
        .check(name("errors"));
    assert_eq!(
        shown(&strategy, &context(4, 4, 0)),
        [
            "4 new, 4 old, 0% of the traffic, check `smoke`, approval `go`",
            "4 new, 2 old, 50% of the traffic, check `errors`",
            "4 new, 0 old, 100% of the traffic, check `errors`",
        ]
    );
}

#[test]
fn between_stopping_everything_and_starting_anew_checks_can_be_made() {
    let strategy = Recreate::new()
        .approve_start(name("go"))
        .check_stopped(name("moved"))
        .bake(Duration::ZERO)
        .check(name("errors"));
    assert_eq!(
        shown(&strategy, &context(4, 0, 4)),
        ["0 new, 4 old, approval `go`", "0 new, 0 old, check `moved`", "4 new, 0 old, check `errors`"]
    );
}
