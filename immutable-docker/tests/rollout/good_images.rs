//! v1 → v2 loses no request and stays within the limits.

use std::time::Duration;

use immutable_core::planner::Conclusion;

use crate::stage::{Stage, verdict};
use crate::watch::Watch;

fn replace(desired: u32) {
    let stage = Stage::running(desired);
    let watch = Watch::start(&stage.lab, &stage.fleet_id, &stage.haproxy);
    let load = stage.load();
    std::thread::sleep(Duration::from_secs(1));
    let conclusion = stage.roll("second", stage.images.v2, desired);
    std::thread::sleep(Duration::from_secs(1));
    let report = load.stop();
    println!("{desired}: {report}");
    assert_eq!(conclusion.unwrap(), Conclusion::Completed, "{}", stage.story.text());
    verdict(&report).unwrap_or_else(|reason| panic!("{reason}\n{}", stage.story.text()));
    watch.assert_within(desired as usize, desired as usize + 3);
    stage.assert_ends_with(stage.images.v2, desired as usize);
    assert!(report.versions.contains_key("v1") && report.versions.contains_key("v2"), "{report}");
}

#[test]
fn ten_containers_are_replaced_under_load() {
    replace(10);
}

#[test]
fn thirty_containers_are_replaced_under_load() {
    replace(30);
}
