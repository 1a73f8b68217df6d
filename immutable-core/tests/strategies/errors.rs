//! What the strategies say when they cannot do their work: the field, its value, and what would do.

use std::time::Duration;

use immutable_core::strategy::{
    BlueGreen, Canary, CanaryStep, Recreate, RollingBlueGreen, RolloutStrategy, Rotate, StandardStrategy,
    Waves,
};

use crate::any::{context, count, name, percent, share};

/// What a strategy says about ten instances, one more and none fewer.
fn refusal(strategy: &dyn RolloutStrategy) -> String {
    strategy.stages(&context(10, 1, 0)).unwrap_err().to_string()
}

fn step(size: u32) -> CanaryStep {
    CanaryStep::new(count(size))
}

fn read(text: &str) -> StandardStrategy {
    serde_json::from_str(text).unwrap()
}

#[test]
fn blue_green_names_the_surge_it_needs() {
    assert_eq!(
        refusal(&BlueGreen::new()),
        "strategy `blue_green`: max_surge is 1, but a complete second group of 10 instances stands beside the old one: \
         raise max_surge to 10 or \"100%\", or use `rolling` or `canary`, which need less"
    );
    assert!(
        refusal(&RollingBlueGreen::new()).starts_with("strategy `rolling_blue_green`: max_surge is 1, but")
    );
}

#[test]
fn recreate_names_the_unavailable_it_needs() {
    assert_eq!(
        refusal(&Recreate::new()),
        "strategy `recreate`: max_unavailable is 0, but all of 10 are stopped before the first new one starts: \
         raise max_unavailable to 10 or \"100%\", or use `rolling`, which keeps the service up"
    );
}

#[test]
fn sizes_of_nothing_and_of_more_than_everything() {
    let sizes = [
        (count(0), "`steps[0].size` is 0 and so would show nothing: use 1 or more"),
        (percent(0), "`steps[0].size` is 0% and so would show nothing: use \"1%\" or more"),
        (percent(101), "`steps[0].size` is 101%, more than the whole fleet: use \"100%\" or less"),
    ];
    for (size, reason) in sizes {
        assert_eq!(refusal(&Canary::new(CanaryStep::new(size))), format!("strategy `canary`: {reason}"));
    }
    let waves = refusal(&Waves::geometric(percent(0), 3));
    assert!(waves.contains("`pattern.geometric.first` is 0%"), "{waves}");
    let waves = refusal(&Waves::sizes([count(0)]));
    assert!(waves.contains("`pattern.sizes[0]` is 0"), "{waves}");
    let preview = BlueGreen::new().preview(count(0)).stages(&context(10, 10, 0)).unwrap_err().to_string();
    assert!(preview.contains("`preview` is 0 and"), "{preview}");
}

#[test]
fn sizes_that_do_not_grow() {
    let pairs = [
        (
            count(3),
            count(3),
            "`pattern.sizes[1]` is 3 and does not grow: 3 comes before it, so use 4 or more",
        ),
        (percent(50), percent(20), "is 20% and does not grow: 50% comes before it, so use \"51%\" or more"),
        (
            count(5),
            percent(20),
            "is 20% and does not grow: that is 2 of 10 instances, after 5, so use 5 or more",
        ),
        (percent(100), count(10), "is 10 and does not grow: nothing can follow 100%, so leave it out"),
    ];
    for (first, second, reason) in pairs {
        let text = refusal(&Waves::sizes([first, second]));
        assert!(text.contains(reason), "{text}");
        let text = refusal(&Canary::new(CanaryStep::new(first)).step(CanaryStep::new(second)));
        assert!(text.contains("`steps[1].size` is"), "{text}");
    }
}

#[test]
fn lists_of_nothing() {
    let canary = refusal(&read(r#"{"kind": "canary", "steps": []}"#));
    assert!(canary.contains("`steps` is empty: give at least one, such as 1"), "{canary}");
    let waves = refusal(&Waves::sizes([]));
    assert!(waves.contains("`pattern.sizes` is empty: give at least one"), "{waves}");
    let shares = refusal(&RollingBlueGreen::new().steps([]));
    assert!(
        shares.contains("`steps` is empty: give at least one share, such as 10, or use `blue_green`"),
        "{shares}"
    );
}

#[test]
fn waves_that_grow_too_fast_or_not_at_all() {
    for (factor, nearest) in [(0, 2), (1, 2), (6, 5), (10, 5)] {
        let text = refusal(&Waves::geometric(count(1), factor));
        let reason =
            format!("`pattern.geometric.factor` is {factor}: waves grow by 2 to 5, so use {nearest}");
        assert!(text.contains(&reason), "{text}");
    }
}

#[test]
fn zones_that_nobody_named() {
    let text = refusal(&Waves::zone_by_zone());
    assert!(text.contains("the rollout names no zone: name the zones, or use geometric waves"), "{text}");
}

#[test]
fn shares_that_do_not_grow() {
    let text = refusal(&RollingBlueGreen::new().steps([share(20), share(20)]));
    assert!(
        text.contains("`steps[1]` is 20% and does not grow: 20% comes before it, so use 21 or more"),
        "{text}"
    );
    let text = refusal(&RollingBlueGreen::new().steps([share(0)]));
    assert!(
        text.contains("`steps[0]` is 0% and does not grow: 0% comes before it, so use 1 or more"),
        "{text}"
    );
    let text = refusal(&RollingBlueGreen::new().steps([share(100), share(100)]));
    assert!(text.contains("`steps[1]` comes after all of the traffic: leave it out"), "{text}");
    let text = refusal(&Canary::new(step(2).share(share(20))).step(step(5).share(share(10))));
    assert!(text.contains("`steps[1].share` is 10%, less than the 20% before it: use 20% or more"), "{text}");
}

#[test]
fn shares_in_some_steps_only() {
    let text = refusal(&Canary::new(step(1).share(share(5))).step(step(5)));
    assert!(
        text.contains(
            "`steps[1].share` is missing, but steps[0] has one: give every step a share, here for example 50%, or none"
        ),
        "{text}"
    );
}

#[test]
fn a_share_that_its_instances_cannot_bear() {
    let text = refusal(&Canary::new(step(1).share(share(25))));
    assert_eq!(
        text,
        "strategy `canary`: `steps[0].share` is 25%, the traffic of 3 of 10 instances, but the size is 1, that is 1: use \
         a size of 3 or more, or a share of 10 or less"
    );
    assert!(Canary::new(step(3).share(share(25))).stages(&context(10, 3, 0)).is_ok());
    assert!(Canary::new(step(1).share(share(10))).stages(&context(10, 1, 0)).is_ok());
}

#[test]
fn a_share_whose_rest_has_no_room() {
    let canary = Canary::new(step(4).share(share(5)));
    let text = refusal(&canary);
    assert!(
        text.contains("`steps[0]` has 4 new instances, and the other 95% of the traffic keep 10 of 10"),
        "{text}"
    );
    assert!(text.contains("max_surge is 1 and max_unavailable 0: raise max_surge to 4"), "{text}");
    assert!(canary.stages(&context(10, 4, 0)).is_ok());
}

#[test]
fn traffic_that_cannot_move_by_a_hundredth() {
    let canary = Canary::new(CanaryStep::new(percent(10)).share(share(10)));
    let text = canary.stages(&context(1_000, 5, 0)).unwrap_err().to_string();
    assert!(
        text.contains("max_surge 5 and max_unavailable 0 of 1000 instances leave no room to move traffic on"),
        "{text}"
    );
    assert!(
        text.contains(
            "from 0% to the new group, because 1000 old ones must serve meanwhile: raise max_surge to 10"
        ),
        "{text}"
    );
    assert!(canary.stages(&context(1_000, 10, 0)).is_ok());
}

#[test]
fn canaries_beside_everything_without_room() {
    let text = refusal(&Canary::new(step(3)).beside_all());
    assert_eq!(
        text,
        "strategy `canary`: `steps[0].size` is 3, so 3 instances would stand beside the whole old group, but max_surge \
         is 1: use a size of 1 or less, raise max_surge to 3, or leave out `beside_all`"
    );
}

#[test]
fn a_baseline_without_room() {
    let share = immutable_core::strategy::Share::new(10).unwrap();
    let canary = Canary::new(step(2).share(share).baseline());
    let text = canary.stages(&context(10, 1, 0)).unwrap_err().to_string();
    assert!(text.contains("raise max_surge to"), "{text}");
}

#[test]
fn a_baseline_larger_than_what_is_left() {
    let text = refusal(&Canary::new(step(6).baseline()));
    assert!(text.contains("`steps[0].baseline` asks for as many fresh old instances as new ones"), "{text}");
    assert!(
        text.contains("there are 6 new and 4 old: use a size of 5 or less, or leave the baseline out"),
        "{text}"
    );
    let stages = Canary::new(step(5).baseline()).stages(&context(10, 1, 0)).unwrap();
    assert_eq!(stages[0].to_string(), "5 new, 5 old (5 of them as a fresh baseline), bake for 600s");
}

#[test]
fn one_approval_for_two_steps() {
    let canary = Canary::new(step(1).approve(name("go"))).step(step(2).approve(name("go")));
    let text = refusal(&canary);
    assert!(text.contains("`steps[1].approval` is `go`, as an approval before it"), "{text}");
    assert!(text.contains("use another name, such as `go-1`"), "{text}");
    let text = refusal(&Canary::new(step(1).approve(name("go"))).approve_start(name("go")));
    assert!(text.contains("`steps[0].approval` is `go`"), "{text}");
}

#[test]
fn ages_and_spreads_that_never_rest() {
    let text = refusal(&Rotate::new().max_age(Duration::ZERO));
    assert!(
        text.contains(
            "`max_age` is 0, so every instance would be replaced for ever: use a time such as \"720h\""
        ),
        "{text}"
    );
    let text = refusal(&Rotate::new().spread(51));
    assert!(text.contains("`spread` is 51%") && text.contains("use \"50%\" or less"), "{text}");
    let text = refusal(&read(r#"{"kind": "rotate", "spread": 3}"#));
    assert!(text.contains("`spread` is 3, a number") && text.contains("such as \"3%\""), "{text}");
}
