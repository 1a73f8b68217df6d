//! The deploying process sleeps for longer than an instance may take and wakes up again: alone, and after another one has
//! taken its place.

use std::process::Child;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::crashes::Creations;
use crate::process::{self, SUPERSEDED};
use crate::stage::{Stage, verdict};
use crate::watch::Watch;

const DESIRED: u32 = 10;

/// Longer than the healthy deadline below, than any call may take and any poll waits.
const SLEEP: Duration = Duration::from_secs(20);

fn stage() -> Stage {
    let mut stage = Stage::running(DESIRED);
    stage.limits.healthy_deadline = Duration::from_secs(6);
    stage
}

fn send(child: &Child, signal: Signal) {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a child has a process id");
    kill_process(pid, signal).unwrap();
}

/// Stops it once it has begun and before it is done.
fn stop_half_way(stage: &Stage, child: &mut Child) {
    let began = Instant::now();
    while stage.containers().iter().filter(|one| one["ImageID"] == stage.images.v2.to_string()).count() < 3 {
        assert!(began.elapsed() < Duration::from_secs(30), "it does not begin");
        std::thread::sleep(Duration::from_millis(5));
    }
    send(child, Signal::STOP);
    assert!(child.try_wait().unwrap().is_none(), "it was over before it was stopped");
}

#[test]
fn one_that_slept_longer_than_an_instance_may_take_goes_on() {
    let stage = stage();
    let creations = Creations::listen(&stage);
    let watch = Watch::start(&stage.lab, &stage.fleet_id, &stage.haproxy);
    let load = stage.load();
    let mut child = process::deploy(&stage, "sleeps", stage.images.v2, DESIRED);
    stop_half_way(&stage, &mut child);
    std::thread::sleep(SLEEP);
    send(&child, Signal::CONT);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    verdict(&load.stop()).unwrap();
    stage.assert_ends_with(stage.images.v2, DESIRED as usize);
    watch.assert_within(DESIRED as usize, DESIRED as usize + 3);
    creations.assert_launched_once(DESIRED as usize);
}

#[test]
fn one_that_wakes_up_after_another_has_finished_does_nothing_more() {
    let stage = stage();
    let creations = Creations::listen(&stage);
    let watch = Watch::start(&stage.lab, &stage.fleet_id, &stage.haproxy);
    let load = stage.load();
    let mut first = process::deploy(&stage, "sleeps", stage.images.v2, DESIRED);
    stop_half_way(&stage, &mut first);
    let mut second = process::deploy(&stage, "sleeps", stage.images.v2, DESIRED);
    assert_eq!(second.wait().unwrap().code(), Some(0));
    // A further rollout of the same fleet, while the first one still sleeps in the midst of its own.
    let mut next = process::deploy(&stage, "next", stage.images.v1, DESIRED);
    assert_eq!(next.wait().unwrap().code(), Some(0));
    send(&first, Signal::CONT);
    let code = first.wait().unwrap().code();
    assert!(matches!(code, Some(0 | SUPERSEDED)), "it learns that it is over, not {code:?}");
    verdict(&load.stop()).unwrap();
    stage.assert_ends_with(stage.images.v1, DESIRED as usize);
    watch.assert_within(DESIRED as usize, DESIRED as usize + 3);
    creations.assert_launched_once(2 * DESIRED as usize);
}
