//! A bad image is stopped and put back by itself, and nobody notices.

use std::time::Duration;

use immutable_core::planner::{Conclusion, FailReason};

use crate::stage::{Stage, verdict};
use crate::watch::Watch;

#[test]
fn an_image_that_is_never_healthy_is_put_back() {
    let mut stage = Stage::running(10);
    stage.limits.healthy_deadline = Duration::from_secs(4);
    let watch = Watch::start(&stage.lab, &stage.fleet_id, &stage.haproxy);
    let load = stage.load();
    let conclusion = stage.roll("bad", stage.images.v3, 10).unwrap();
    let report = load.stop();
    println!("{conclusion}; {report}");
    let Conclusion::RolledBack { reason: FailReason::TooManyFailures { failures, tolerated: 1, .. } } =
        &conclusion
    else {
        panic!("{conclusion:?}\n{}", stage.story.text())
    };
    assert!(*failures <= 3, "the surge bounds how many can be tried: {failures}");
    verdict(&report).unwrap_or_else(|reason| panic!("{reason}\n{}", stage.story.text()));
    assert!(!report.versions.contains_key("v3"), "{report}");
    watch.assert_within(10, 13);
    stage.assert_ends_with(stage.images.v1, 10);
}

#[test]
fn an_image_that_dies_after_five_seconds_is_seen_by_the_minimum_ready_time() {
    let mut stage = Stage::running(10);
    stage.limits.min_ready = Duration::from_secs(7);
    let watch = Watch::start(&stage.lab, &stage.fleet_id, &stage.haproxy);
    let load = stage.load();
    let conclusion = stage.roll("bad", stage.images.v4, 10).unwrap();
    let report = load.stop();
    println!("{conclusion}; {report}");
    assert!(matches!(conclusion, Conclusion::RolledBack { .. }), "{conclusion:?}\n{}", stage.story.text());
    verdict(&report).unwrap_or_else(|reason| panic!("{reason}\n{}", stage.story.text()));
    assert!(!report.versions.contains_key("v4"), "none of them ever got traffic: {report}");
    watch.assert_within(10, 13);
    stage.assert_ends_with(stage.images.v1, 10);
}
