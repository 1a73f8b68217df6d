//! A journal is written with fsync, beside the same bytes in as many files by the fewest calls that make them durable.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use immutable_core::WriterId;
use immutable_core::journal::{Commit, Journal, JournalStore, Key, MemoryStore, Reading};
use immutable_core::store::FolderStore;

use crate::folder::{Waiting, scratch};
use crate::world::{World, rollout};

const ROUNDS: usize = 7;

pub(crate) fn measure(folder: &Path) {
    for (size, what) in [(100, "100 instances"), (10_000, "10,000 instances")] {
        let objects = journal(size);
        let commits: Vec<Commit> = objects.iter().map(|bytes| Commit::decode(bytes).unwrap().0).collect();
        let records: usize = commits.iter().map(|commit| commit.records.len()).sum();
        let bytes: usize = objects.iter().map(Vec::len).sum();
        let (mut ours, mut floor) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            ours.push(written(folder, &commits));
            floor.push(plain(folder, &objects));
        }
        let (ours, floor) = (median(ours), median(floor));
        let per_second = |time: Duration| records as f64 / time.as_secs_f64();
        println!(
            "append, rollout of {what}: {records} records in {} commits, {} bytes; journal with fsync {ours:.1?} = \
             {:.0} records/s, plain files with fsync {floor:.1?} = {:.0} records/s, ratio {:.2}",
            commits.len(),
            bytes,
            per_second(ours),
            per_second(floor),
            ours.as_secs_f64() / floor.as_secs_f64(),
        );
    }
}

/// What a rollout of this size writes.
fn journal(size: u32) -> Vec<Vec<u8>> {
    let store = MemoryStore::new();
    World::new(size).there(Arc::new(store.clone()));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let mut objects = Vec::new();
        for key in store.list(&Key::new(rollout(), 1)).await.unwrap() {
            objects.push(store.get(&key).await.unwrap().unwrap());
        }
        objects
    })
}

/// Records and commits it all again: fold, JSON, digest, file, folder.
fn written(folder: &Path, commits: &[Commit]) -> Duration {
    let folder = scratch(folder);
    let store = Arc::new(Waiting::new(FolderStore::new(folder.path())));
    let writer = WriterId::new("bench").unwrap();
    let clock = immutable_testkit::clock::VirtualClock::new(immutable_core::Timestamp::UNIX_EPOCH);
    let mut journal = clock.run(Journal::load(store, rollout(), writer)).unwrap();
    let began = Instant::now();
    for commit in commits {
        let reading = Reading { clock: commit.clock.clone(), at: commit.at };
        let now = journal.fold().time(&reading);
        for record in &commit.records {
            journal.record(record.clone(), now).unwrap();
        }
        clock.run(journal.commit(&reading)).unwrap();
    }
    began.elapsed()
}

/// One file after the other: created, written, synced, and the folder synced, so that it is there after a crash.
fn plain(folder: &Path, objects: &[Vec<u8>]) -> Duration {
    let folder = scratch(folder);
    let began = Instant::now();
    for (seq, bytes) in objects.iter().enumerate() {
        let mut file = fs::File::create_new(folder.path().join(format!("{seq:020}"))).unwrap();
        file.write_all(bytes).unwrap();
        file.sync_all().unwrap();
        fs::File::open(folder.path()).unwrap().sync_all().unwrap();
    }
    began.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
