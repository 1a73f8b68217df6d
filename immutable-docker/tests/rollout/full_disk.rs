//! The disk of the folder journal is full in the middle of a rollout.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::crashes::Creations;
use crate::process;
use crate::stage::{Stage, verdict};
use crate::watch::Watch;

const DESIRED: u32 = 10;

/// Fills the disk to its last byte.
fn fill(file: &Path) {
    let mut ballast = File::create(file).unwrap();
    for size in [4096, 1] {
        let error = loop {
            if let Err(error) = ballast.write_all(&vec![0; size]) {
                break error;
            }
        };
        assert_eq!(error.kind(), ErrorKind::StorageFull, "{error}");
    }
}

#[test]
fn nothing_is_begun_while_the_disk_is_full_and_all_goes_on_when_there_is_room() {
    let stage = Stage::running(DESIRED);
    let creations = Creations::listen(&stage);
    let watch = Watch::start(&stage.lab, &stage.fleet_id, &stage.haproxy);
    let load = stage.load();
    let new =
        || stage.containers().iter().filter(|one| one["ImageID"] == stage.images.v2.to_string()).count();
    let mut child = process::deploy_on_small_disk(&stage, "full", stage.images.v2, DESIRED, 2048);
    let began = Instant::now();
    while new() < 3 {
        assert!(began.elapsed() < Duration::from_secs(30), "it does not begin");
        assert!(child.try_wait().unwrap().is_none(), "it has ended");
        std::thread::sleep(Duration::from_millis(5));
    }
    // Its disk, seen through it.
    let root = PathBuf::from(format!("/proc/{}/root", child.id()));
    let ballast = root.join(stage.journal().strip_prefix("/").unwrap()).join("ballast");
    fill(&ballast);
    // What was committed before is still done.
    std::thread::sleep(Duration::from_secs(4));
    let (stuck, all) = (new(), stage.containers().len());
    assert!(stuck < DESIRED as usize, "it was over before the disk was full");
    std::thread::sleep(Duration::from_secs(8));
    assert_eq!((new(), stage.containers().len()), (stuck, all), "nothing is begun that cannot be written");
    assert!(child.try_wait().unwrap().is_none(), "it waits for room");
    std::fs::remove_file(&ballast).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    verdict(&load.stop()).unwrap();
    stage.assert_ends_with(stage.images.v2, DESIRED as usize);
    watch.assert_within(DESIRED as usize, DESIRED as usize + 3);
    creations.assert_launched_once(DESIRED as usize);
}
