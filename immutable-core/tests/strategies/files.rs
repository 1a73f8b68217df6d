//! Strategies as configuration files write them.

use std::time::Duration;

use immutable_core::strategy::{
    BlueGreen, Canary, CanaryStep, Recreate, Rolling, RollingBlueGreen, RolloutStrategy, Rotate, SlotOrder,
    StandardStrategy, Waves,
};

use crate::any::{context, count, name, percent, share};

fn read(text: &str) -> Result<StandardStrategy, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

#[test]
fn every_kind_can_be_written_with_its_defaults_only() {
    let kinds = [
        ("rolling", "rolling"),
        ("blue_green", "blue/green, holds the old group for 600s"),
        ("rolling_blue_green", "rolling blue/green, 10%, 30%, 100% of the traffic, bakes for 600s"),
        ("canary", "canary; 1, bakes for 600s; then all"),
        ("waves", "waves from 1, growing by 3, bakes for 600s"),
        ("recreate", "recreate"),
        ("opportunistic", "opportunistic"),
        ("rotate", "rotate after 2592000s less up to 20%"),
        ("repair", "repair"),
    ];
    for (kind, shown) in kinds {
        let strategy = read(&format!(r#"{{"kind": "{kind}"}}"#)).unwrap();
        assert_eq!(strategy.to_string(), shown);
        assert_eq!(strategy.name(), kind, "an error names it as the file does");
        assert!(strategy.stages(&context(10, 10, 10)).is_ok(), "{kind}");
        let error = read(&format!(r#"{{"kind": "{kind}", "spede": 1}}"#)).unwrap_err();
        assert!(error.contains("unknown field `spede`"), "{kind}: {error}");
    }
}

/// What a file writes is what a program builds, and both are shown.
#[test]
fn every_field_can_be_written_and_built() {
    let minute = Duration::from_secs(60);
    let step = CanaryStep::new(count(2)).share(share(5)).baseline().bake(Duration::ZERO);
    let texts: [(&str, &str, StandardStrategy); 9] = [
        (
            r#"{"kind": "rolling", "start_approval": "start", "bake": "1m", "checks": ["a"], "order": "descending"}"#,
            "rolling, starts on approval `start`, the highest slot first, bakes for 60s, checks `a`",
            Rolling::new()
                .order(SlotOrder::Descending)
                .check(name("a"))
                .bake(minute)
                .approve_start(name("start"))
                .into(),
        ),
        (
            r#"{"kind": "blue_green", "preview": "10%", "smoke": ["s"], "switch_approval": "go", "hold": "1h",
                "checks": ["a"]}"#,
            "blue/green, preview of 10%, smoke check `s`, switches on approval `go`, holds the old group for 3600s, \
             checks `a`",
            BlueGreen::new()
                .check(name("a"))
                .hold(60 * minute)
                .approve_switch(name("go"))
                .smoke(name("s"))
                .preview(percent(10))
                .into(),
        ),
        (
            r#"{"kind": "rolling_blue_green", "steps": [50], "smoke": ["s"], "switch_approval": "go", "bake": "1s",
                "checks": ["a"]}"#,
            "rolling blue/green, smoke check `s`, switches on approval `go`, 50%, 100% of the traffic, bakes for 1s, \
             checks `a`",
            RollingBlueGreen::new()
                .check(name("a"))
                .bake(Duration::from_secs(1))
                .approve_switch(name("go"))
                .smoke(name("s"))
                .steps([share(50)])
                .into(),
        ),
        (
            r#"{"kind": "canary", "start_approval": "start", "beside_all": true, "bake": "1m", "checks": ["b"], "steps": [
                {"size": 2, "share": 5, "baseline": true, "bake": "0s", "checks": ["a"], "approval": "go"}]}"#,
            "canary beside the whole old group, starts on approval `start`; 2 with 5% of the traffic beside a fresh \
             baseline, checks `a`, waits for approval `go`; then all, bakes for 60s, checks `b`",
            Canary::new(step.check(name("a")).approve(name("go")))
                .check(name("b"))
                .bake(minute)
                .beside_all()
                .approve_start(name("start"))
                .into(),
        ),
        (
            r#"{"kind": "waves", "pattern": {"geometric": {"first": "1%", "factor": 5}}, "bake": "1m", "checks": ["a"],
                "first_approval": "go"}"#,
            "waves from 1%, growing by 5, bakes for 60s, checks `a`, goes on after the first on approval `go`",
            Waves::geometric(percent(1), 5).check(name("a")).bake(minute).approve_first(name("go")).into(),
        ),
        (
            r#"{"kind": "waves", "pattern": {"sizes": [1, "50%"]}, "bake": "0s"}"#,
            "waves of 1, 50%, all",
            Waves::sizes([count(1), percent(50)]).bake(Duration::ZERO).into(),
        ),
        (
            r#"{"kind": "waves", "pattern": "zone_by_zone", "bake": "0s"}"#,
            "waves zone by zone",
            Waves::zone_by_zone().bake(Duration::ZERO).into(),
        ),
        (
            r#"{"kind": "recreate", "start_approval": "start", "stopped_checks": ["moved"], "bake": "1m",
                "checks": ["a"]}"#,
            "recreate, starts on approval `start`, checks `moved` while nothing runs, bakes for 60s, checks `a`",
            Recreate::new()
                .check(name("a"))
                .bake(minute)
                .check_stopped(name("moved"))
                .approve_start(name("start"))
                .into(),
        ),
        (
            r#"{"kind": "rotate", "max_age": "720h", "spread": "10%", "other_images": true}"#,
            "rotate after 2592000s less up to 10%, other images too",
            Rotate::new().other_images().spread(10).max_age(720 * 60 * minute).into(),
        ),
    ];
    for (text, shown, built) in texts {
        assert_eq!(built.to_string(), shown);
        assert_eq!(read(text).unwrap(), built);
    }
}

#[test]
fn mistakes_in_a_file_are_named() {
    let mistakes = [
        (r#"["rolling"]"#, "expected a strategy: its `kind`, and beside it its fields"),
        (r#"{"bake": "5m"}"#, "missing field `kind`"),
        (r#"{"kind": "red_black"}"#, "unknown variant `red_black`, expected one of `rolling`, `blue_green`"),
        (r#"{"kind": "rolling", "order": "newest"}"#, "unknown variant `newest`, expected one of `oldest`"),
        (r#"{"kind": "rolling", "checks": ["Errors"]}"#, "`Errors` is not a valid gate name"),
        (r#"{"kind": "canary", "steps": [{"size": "5"}]}"#, "`5` is not a quantity"),
        (
            r#"{"kind": "canary", "steps": [{"size": 1, "weight": 5}]}"#,
            "unknown field `weight`, expected one of `size`",
        ),
        (r#"{"kind": "canary", "steps": [{"size": 1, "share": 101}]}"#, "101 is not a share of traffic"),
        (
            r#"{"kind": "waves", "pattern": {"linear": 10}}"#,
            "unknown variant `linear`, expected one of `geometric`",
        ),
        (
            r#"{"kind": "waves", "pattern": {"geometric": {"by": 10}}}"#,
            "unknown field `by`, expected `first` or `factor`",
        ),
    ];
    for (text, part) in mistakes {
        let error = read(text).unwrap_err();
        assert!(error.contains(part), "{text}: {error}");
    }
}
