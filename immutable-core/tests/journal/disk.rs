//! The store in a folder does what every store must do: on the disk of this machine, and on a small one of its own that
//! is full or locked.

use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Barrier};

use async_trait::async_trait;
use immutable_core::RolloutId;
use immutable_core::controller::{Clock, SystemClock};
use immutable_core::error::Retry;
use immutable_core::journal::{Created, JournalStore, Key};
use immutable_core::store::FolderStore;
use immutable_testkit::conformance::Harness;
use immutable_testkit::conformance::journal_store::JournalStoreHarness;

/// Where a disk of a few megabytes is, for a process that has one.
const SMALL_DISK: &str = "IMMUTABLE_TEST_SMALL_DISK";

#[derive(Debug)]
struct Folder {
    clock: SystemClock,
    folder: tempfile::TempDir,
    small_disk: Option<PathBuf>,
}

impl Folder {
    fn new() -> Self {
        let small_disk = std::env::var_os(SMALL_DISK).map(PathBuf::from);
        let folder = small_disk.as_ref().map_or_else(tempfile::tempdir, tempfile::tempdir_in).unwrap();
        Self { clock: SystemClock::new(), folder, small_disk }
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("journals")
    }

    fn open(&self) -> Arc<dyn JournalStore> {
        Arc::new(FolderStore::new(self.root()))
    }
}

/// Gives these rights to the folder and to all in it.
fn set_mode(folder: &Path, mode: u32) {
    // Before it may not be looked into, and after it may be.
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).unwrap();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            set_mode(&entry.path(), mode);
        }
    }
    fs::set_permissions(folder, fs::Permissions::from_mode(mode)).unwrap();
}

impl Harness for Folder {
    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(self.clock.clone())
    }
}

#[async_trait]
impl JournalStoreHarness for Folder {
    fn store(&self) -> Arc<dyn JournalStore> {
        self.open()
    }

    fn second_view(&self) -> Option<Arc<dyn JournalStore>> {
        Some(self.open())
    }

    async fn reopen(&self) -> Option<Arc<dyn JournalStore>> {
        Some(self.open())
    }

    async fn damage(&self, key: &Key, bytes: &[u8]) -> bool {
        fs::write(self.root().join(key.to_string()), bytes).unwrap();
        true
    }

    async fn fill(&self) -> bool {
        let Some(disk) = &self.small_disk else { return false };
        let mut filler = fs::File::create_new(disk.join("filler")).unwrap();
        // All but some pages, so that there still is room for a name.
        for kibibytes in [64, 4] {
            while let Ok(()) = filler.write_all(&vec![0; kibibytes * 1024]) {}
        }
        let full = filler.write_all(&[0; 8192]).unwrap_err();
        assert_eq!(full.kind(), ErrorKind::StorageFull);
        true
    }

    async fn make_room(&self) {
        fs::remove_file(self.small_disk.as_ref().unwrap().join("filler")).unwrap();
    }

    async fn forbid(&self) -> bool {
        if self.small_disk.is_none() {
            return false;
        }
        set_mode(&self.root(), 0o500);
        let refused = fs::write(self.root().join("probe"), "").unwrap_err();
        assert_eq!(
            refused.kind(),
            ErrorKind::PermissionDenied,
            "whoever is root everywhere cannot be refused"
        );
        true
    }

    async fn permit(&self) {
        set_mode(&self.root(), 0o700);
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

mod conformance {
    use super::*;

    immutable_testkit::journal_store_conformance! {
        harness: Folder::new(),
        run: |_harness, case| block_on(case),
    }
}

/// Runs this program again with these tests, in namespaces of its own: with a disk of four megabytes that goes away with
/// the process, and as a user who is root of nothing.
fn on_a_small_disk(options: &str, tests: &str) -> String {
    let place = tempfile::tempdir().unwrap();
    let script = format!(
        "mount -t tmpfs -o size=4m tmpfs \"$0\" && {options} exec unshare --user \"$@\" {tests} --nocapture \
         --test-threads=1"
    );
    let output = Command::new("unshare")
        .args(["--mount", "--map-root-user", "sh", "-c", &script])
        .arg(place.path())
        .arg(std::env::current_exe().unwrap())
        .env(SMALL_DISK, place.path())
        .output()
        .expect("`unshare` of util-linux is needed: `cargo xtask setup` names what is missing");
    let said =
        format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    said
}

#[test]
fn a_disk_that_is_full_or_locked() {
    if std::env::var_os(SMALL_DISK).is_some() {
        // This is the program that was run.
        return;
    }
    let said = on_a_small_disk("", "disk::conformance");
    for case in ["a_full_store_keeps_what_it_has", "a_store_without_the_right_to_write_says_so"] {
        assert!(said.contains(&format!("disk::conformance::{case} ... ok")), "{said}");
    }
    assert!(!said.contains("the backend has no"), "a case did not apply: {said}");
}

/// Not a test by itself: with a small disk it is what runs on one that is mounted for reading only.
#[test]
fn what_a_read_only_disk_says() {
    let Some(disk) = std::env::var_os(SMALL_DISK).filter(|disk| Path::new(disk).join("read-only").exists())
    else {
        return;
    };
    let store = FolderStore::new(&disk);
    let key = Key::new(RolloutId::new("r").unwrap(), 1);
    let error = block_on(store.create_if_absent(&key, b"x")).unwrap_err();
    assert_eq!(error.retry, Retry::Never);
    let text = error.to_string();
    assert!(text.contains(&*disk.to_string_lossy()) && text.contains("mount its file system"), "{text}");
    assert_eq!(block_on(store.list(&key)).unwrap(), []);
    eprintln!("a read-only disk was refused");
}

#[test]
fn a_disk_that_is_mounted_for_reading_only() {
    if std::env::var_os(SMALL_DISK).is_some() {
        return;
    }
    let lock = "touch \"$0/read-only\" && mount -o remount,ro \"$0\" &&";
    let said = on_a_small_disk(lock, "disk::what_a_read_only_disk_says");
    assert!(said.contains("a read-only disk was refused"), "{said}");
}

/// Threads with runtimes and stores of their own, all at the same moment: real ones, not tasks that take turns.
#[test]
fn of_sixteen_threads_one_creates_each_object() {
    const THREADS: usize = 16;
    const OBJECTS: u64 = 60;
    let folder = tempfile::tempdir().unwrap();
    let start = Barrier::new(THREADS);
    let race = &|thread: usize| {
        let store = FolderStore::new(folder.path());
        let bytes = vec![u8::try_from(thread).unwrap(); 5000 + thread];
        let mut won = Vec::new();
        for seq in 1..=OBJECTS {
            start.wait();
            let key = Key::new(RolloutId::new("race").unwrap(), seq);
            if block_on(store.create_if_absent(&key, &bytes)).unwrap() == Created::Yes {
                assert_eq!(block_on(store.get(&key)).unwrap().as_deref(), Some(&bytes[..]));
                won.push(seq);
            }
        }
        won
    };
    let mut won: Vec<u64> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|thread| scope.spawn(move || race(thread))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    won.sort_unstable();
    assert_eq!(won, (1..=OBJECTS).collect::<Vec<_>>());
    let log = folder.path().join("rollout/race/log");
    assert_eq!(fs::read_dir(log).unwrap().count() as u64, OBJECTS, "nothing temporary is left");
}
