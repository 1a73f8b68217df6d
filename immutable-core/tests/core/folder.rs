//! The store in a folder, and a process that is killed while it writes.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use immutable_core::journal::{Commit, Control, Journal, JournalStore, Key, Reading, Record};
use immutable_core::planner::PlanRequest;
use immutable_core::store::FolderStore;
use immutable_core::strategy::Rolling;
use immutable_core::{ClockId, FleetId, RolloutId, Seed, Timestamp, WriterId, Zone};

use crate::scenario::v;

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

const FOLDER: &str = "IMMUTABLE_TEST_CRASHING_WRITER";

fn rollout() -> RolloutId {
    RolloutId::new("crash").unwrap()
}

fn load(folder: &Path, writer: &str) -> Journal {
    let store = Arc::new(FolderStore::new(folder));
    block_on(Journal::load(store, rollout(), WriterId::new(writer).unwrap())).unwrap()
}

/// Not a test by itself: with the variable set it is the process that is killed. Says one thing after the other, for as
/// long as it lives.
#[test]
fn a_writer_that_waits_to_be_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let mut journal = load(Path::new(&folder), &std::process::id().to_string());
    let mut now = Timestamp::UNIX_EPOCH;
    loop {
        now = now + Duration::from_secs(1);
        // A large object takes long to write, so that many are killed in the middle of it.
        for _ in 0..5_000 {
            journal.record(Record::Control(Control::Pause), now).unwrap();
            journal.record(Record::Control(Control::Resume), now).unwrap();
        }
        block_on(journal.commit(&Reading { clock: ClockId::new("a").unwrap(), at: now })).unwrap();
    }
}

#[test]
fn a_writer_that_is_killed_at_any_moment_leaves_a_whole_journal() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = load(folder.path(), "first");
    let now = Timestamp::UNIX_EPOCH;
    let empty = immutable_core::fleet::Snapshot::new(FleetId::new("web").unwrap(), now, 0, Vec::new());
    let request = PlanRequest::new(rollout(), v(1), 1).zones(vec![Zone::new("a").unwrap()]);
    let plan = request.plan(&empty, &Rolling::new()).unwrap();
    let (spec, initial, plan) = (Box::new(plan.spec.clone()), plan.initial.clone(), plan.digest());
    journal.record(Record::Open { spec, initial, plan }, now).unwrap();
    block_on(journal.commit(&Reading { clock: ClockId::new("a").unwrap(), at: now })).unwrap();

    let (mut length, mut grew) = (1, 0);
    for round in 0..15_u32 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "folder::a_writer_that_waits_to_be_killed", "--test-threads=1"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // It lives until it has written something, and then for a moment that differs each time.
        let next = folder.path().join(format!("rollout/crash/log/{:020}", length + 1));
        let began = std::time::Instant::now();
        while !next.exists() && began.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(1));
        }
        let more = Seed::new(u64::from(round)).rank(b"moment") % 10_000;
        std::thread::sleep(Duration::from_micros(more));
        assert_eq!(child.try_wait().unwrap(), None, "it ended by itself in round {round}");
        child.kill().unwrap();
        child.wait().unwrap();

        let journal = load(folder.path(), "reader");
        assert!(journal.fold().len() > length, "round {round}: nothing was written in time");
        grew += journal.fold().len() - length;
        length = journal.fold().len();
    }
    let store = FolderStore::new(folder.path());
    let keys = block_on(store.list(&Key::new(rollout(), 1))).unwrap();
    assert_eq!(keys.len() as u64, length);
    for key in keys {
        let bytes = block_on(store.get(&key)).unwrap().unwrap();
        assert_eq!(Commit::decode(&bytes).unwrap().0.seq, key.seq());
    }
    assert_eq!(block_on(store.get(&Key::new(rollout(), length + 1))).unwrap(), None);
    eprintln!("15 writers killed, {grew} commits");
}
