//! The journal of a rollout that went there and all the way back is read again: with the checkpoints that its controller
//! left, with one at its end, and without.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use immutable_core::WriterId;
use immutable_core::journal::{Commit, Fold, Journal, JournalStore, Key};
use immutable_core::planner::RolloutState;
use immutable_core::store::FolderStore;
use tokio::runtime::{Builder, Runtime};

use crate::folder::{Waiting, scratch};
use crate::peak_memory;
use crate::world::{World, rollout};

const ROUNDS: usize = 7;

pub(crate) fn measure(folder: &Path, instances: u32) {
    let folder = scratch(folder);
    let store = FolderStore::new(folder.path());
    World::new(instances).there_and_back(Arc::new(Waiting::new(store.clone())));
    let runtime = Builder::new_current_thread().build().unwrap();
    let log = Key::new(rollout(), 1);
    let objects: Vec<Vec<u8>> = runtime.block_on(async {
        let mut objects = Vec::new();
        for key in store.list(&log).await.unwrap() {
            objects.push(store.get(&key).await.unwrap().unwrap());
        }
        objects
    });
    let bytes: usize = objects.iter().map(Vec::len).sum();
    let decode = || objects.iter().map(|bytes| Commit::decode(bytes).unwrap()).collect::<Vec<_>>();
    let commits = decode();
    let records: usize = commits.iter().map(|(commit, _)| commit.records.len()).sum();
    println!(
        "read, {instances} instances there and back: {records} records in {} commits, {bytes} bytes",
        commits.len()
    );
    let show = |what: &str, times: Vec<Duration>| {
        let (least, median) = ends(times);
        let rate = records as f64 / median.as_secs_f64() / 1e6;
        println!("  {what}: median {median:.1?}, least {least:.1?} ({rate:.2} million records/s)");
    };
    show("digest and JSON of every commit", times(|| drop(decode())));
    let fold = || {
        let mut fold = Fold::new(rollout());
        commits.iter().for_each(|(commit, digest)| fold.apply(commit, *digest).unwrap());
        fold
    };
    show("fold of the records", times(|| drop(fold())));
    let whole = fold();
    drop(commits);

    show(
        "read from the folder, with the checkpoints as they were written",
        times(|| drop(load(&runtime, &store))),
    );
    let parts = folder.path().join("rollout").join(rollout().as_str()).join("checkpoint");
    let mut left: Vec<u64> =
        fs::read_dir(&parts).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).collect();
    left.sort_unstable();
    println!("  {} checkpoints, {} bytes in all", left.len(), left.iter().sum::<u64>());
    let checkpoint = whole.freeze().unwrap();
    println!("  a checkpoint at its end has {} bytes", checkpoint.len());
    show("a checkpoint is made", times(|| drop(whole.freeze().unwrap())));
    show("a checkpoint is read", times(|| drop(Fold::<RolloutState>::thaw(rollout(), &checkpoint).unwrap())));
    fs::remove_dir_all(&parts).unwrap();
    show("read from the folder, without checkpoints", times(|| drop(load(&runtime, &store))));
    let key = Key::checkpoint(rollout(), objects.len() as u64);
    runtime.block_on(store.create_if_absent(&key, &checkpoint)).unwrap();
    show("read from the folder, with a checkpoint at its end", times(|| drop(load(&runtime, &store))));
    assert!(load(&runtime, &store) == whole, "all of them come to the same");
    println!("  peak memory {}, with all of it kept", peak_memory());
}

fn load(runtime: &Runtime, store: &FolderStore) -> Fold {
    let reader = WriterId::new("reader").unwrap();
    let journal = runtime.block_on(Journal::load(Arc::new(store.clone()), rollout(), reader)).unwrap();
    journal.fold().clone()
}

fn times(mut work: impl FnMut()) -> Vec<Duration> {
    let time = |_| {
        let began = Instant::now();
        work();
        began.elapsed()
    };
    (0..ROUNDS).map(time).collect()
}

/// The least of them, and the one in the middle.
fn ends(mut times: Vec<Duration>) -> (Duration, Duration) {
    times.sort_unstable();
    (times[0], times[times.len() / 2])
}
