//! Any byte of a journal that is not what was written is found out, and so is any object that is not where it was; the
//! message names the commit and what to do.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use immutable_core::WriterId;
use immutable_core::journal::{Commit, Fold, Journal, JournalError, Key, Unreadable};
use immutable_core::planner::RolloutState;
use immutable_core::store::FolderStore;

use crate::scenario::Scenario;
use crate::stories::{aborted, eventful, failing, held};

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn key(seq: u64) -> Key {
    Key::new(Scenario::rollout(), seq)
}

/// A journal in a folder, as a process of its own finds it.
pub(crate) struct Stored {
    folder: tempfile::TempDir,
    pub(crate) objects: Vec<Vec<u8>>,
}

impl Stored {
    pub(crate) fn new(objects: Vec<Vec<u8>>) -> Self {
        let stored = Self { folder: tempfile::tempdir().unwrap(), objects };
        fs::create_dir_all(stored.file(1).parent().unwrap()).unwrap();
        (1..).zip(&stored.objects).for_each(|(seq, bytes)| fs::write(stored.file(seq), bytes).unwrap());
        stored
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn file(&self, seq: u64) -> PathBuf {
        self.folder.path().join(key(seq).to_string())
    }

    /// As a controller reads it.
    fn load(&self) -> Result<Fold, JournalError> {
        let store = Arc::new(FolderStore::new(self.root()));
        let reader = WriterId::new("reader").unwrap();
        block_on(Journal::load(store, Scenario::rollout(), reader)).map(|journal| journal.fold().clone())
    }

    fn audit(&self) -> Result<Fold, JournalError> {
        block_on(Journal::<RolloutState>::audit(Arc::new(FolderStore::new(self.root())), Scenario::rollout()))
    }

    /// Reading and auditing both find it, at this commit, and say what to do.
    fn assert_found(&self, at: u64, what: &str) {
        for result in [self.load(), self.audit()] {
            let error = result.expect_err(what);
            assert_names(&error, at, what);
        }
    }

    fn restore(&self, seq: u64) {
        fs::write(self.file(seq), &self.objects[usize::try_from(seq).unwrap() - 1]).unwrap();
    }
}

fn assert_names(error: &JournalError, at: u64, what: &str) {
    let text = error.to_string();
    assert!(text.contains(&key(at).to_string()), "{what}: {text}");
    let ways_out: [&str; 2] = match error {
        JournalError::Damaged { .. } | JournalError::Illegal { .. } => {
            ["restore it from a backup", "new name"]
        }
        JournalError::Newer { .. } => ["go on with that version", "later one"],
        other => panic!("{what}: {other}"),
    };
    assert!(ways_out.iter().all(|way| text.contains(way)), "{what}: {text}");
}

/// Every byte of every commit, turned in each bit alone, in all, to a line end and to a zero.
#[test]
fn no_byte_of_any_commit_can_be_turned_unnoticed() {
    let mut tried = 0;
    for story in [eventful(), failing(), aborted(), held()] {
        for whole in &story {
            assert!(Commit::decode(whole).is_ok());
            let mut bytes = whole.clone();
            for at in 0..whole.len() {
                let was = whole[at];
                let single = (0..8).map(|bit| was ^ 1 << bit);
                for other in single.chain([!was, b'\n', 0, b'0']).filter(|other| *other != was) {
                    bytes[at] = other;
                    let found = Commit::decode(&bytes);
                    assert!(matches!(found, Err(Unreadable::Damaged(_))), "byte {at} to {other}: {found:?}");
                    tried += 1;
                }
                bytes[at] = was;
            }
        }
    }
    eprintln!("{tried} bytes turned, all found");
    assert!(tried > 100_000, "{tried}");
}

/// The same in the files of a folder, read as a controller reads them: every commit, bytes all over it.
#[test]
fn a_byte_that_was_turned_in_a_folder_is_found_where_it_is() {
    let stored = Stored::new(eventful());
    for (seq, whole) in (1..).zip(&stored.objects) {
        for nth in 0..40 {
            let at = nth * whole.len().div_ceil(40);
            let Some(byte) = whole.get(at) else { continue };
            let mut bytes = whole.clone();
            bytes[at] = byte ^ 1 << (nth % 8);
            fs::write(stored.file(seq), &bytes).unwrap();
            stored.assert_found(seq, "a byte");
        }
        stored.restore(seq);
    }
    stored.load().unwrap();
}

#[test]
fn a_cut_at_any_length_is_found() {
    for story in [eventful(), failing()] {
        for whole in &story {
            for length in 0..whole.len() {
                let found = Commit::decode(&whole[..length]);
                assert!(matches!(found, Err(Unreadable::Damaged(_))), "cut at {length}: {found:?}");
            }
            let doubled = [&whole[..], whole].concat();
            assert!(Commit::decode(&doubled).is_err(), "doubled");
        }
    }
    let stored = Stored::new(failing());
    for (seq, whole) in (1..).zip(&stored.objects) {
        for length in [0, 1, 71, 72, whole.len() / 2, whole.len() - 1] {
            fs::write(stored.file(seq), &whole[..length]).unwrap();
            stored.assert_found(seq, "a cut");
        }
        stored.restore(seq);
    }
}

#[test]
fn objects_that_changed_places_are_found() {
    let stored = Stored::new(failing());
    let count = stored.objects.len() as u64;
    for one in 1..=count {
        for other in one + 1..=count {
            fs::rename(stored.file(one), stored.root().join("aside")).unwrap();
            fs::rename(stored.file(other), stored.file(one)).unwrap();
            fs::rename(stored.root().join("aside"), stored.file(other)).unwrap();
            stored.assert_found(one, "two that changed places");
            stored.restore(one);
            stored.restore(other);
        }
    }
}

#[test]
fn an_object_in_place_of_another_one_is_found() {
    let stored = Stored::new(failing());
    let count = stored.objects.len() as u64;
    for from in 1..=count {
        // Also after the last one.
        for to in (1..=count + 1).filter(|to| *to != from) {
            fs::write(stored.file(to), &stored.objects[usize::try_from(from).unwrap() - 1]).unwrap();
            stored.assert_found(to, "a copy of another one");
            if to > count { fs::remove_file(stored.file(to)).unwrap() } else { stored.restore(to) }
        }
    }
    stored.load().unwrap();
}

/// But for the last ones: nothing tells a journal without its last commits from one that was not written further.
#[test]
fn an_object_that_is_missing_is_found() {
    let stored = Stored::new(failing());
    for seq in 1..stored.objects.len() as u64 {
        fs::remove_file(stored.file(seq)).unwrap();
        stored.assert_found(seq, "a missing one");
        stored.restore(seq);
    }
}
