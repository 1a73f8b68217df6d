//! Journals of format 1 as the library has written them once. They must be readable for ever; `IMMUTABLE_WRITE_GOLDEN=1`
//! writes them anew, which is a new format.

use std::fs;
use std::path::{Path, PathBuf};

use immutable_core::journal::{Commit, Fold, Unreadable};
use immutable_core::planner::Conclusion;
use immutable_core::{Digest, RolloutId};

use crate::scenario::Scenario;
use crate::stories::{aborted, eventful, failing, held};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/journal/format-1").join(name)
}

/// The commits of a stored journal, in order.
fn stored(name: &str) -> Vec<Vec<u8>> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|file| fs::read(file).unwrap()).collect()
}

fn fold(objects: &[Vec<u8>]) -> Fold {
    let mut fold = Fold::new(Scenario::rollout());
    for bytes in objects {
        let (commit, digest) = Commit::decode(bytes).unwrap();
        assert_eq!(commit.encode(), (bytes.clone(), digest), "it is written as it was read");
        fold.apply(&commit, digest).unwrap();
    }
    fold
}

#[test]
fn a_journal_of_format_1_is_read_and_written_to_the_byte() {
    let stories =
        [("eventful", eventful()), ("failing", failing()), ("aborted", aborted()), ("held", held())];
    if std::env::var_os("IMMUTABLE_WRITE_GOLDEN").is_some() {
        for (name, objects) in &stories {
            let folder = folder(name);
            let _ = fs::remove_dir_all(&folder);
            fs::create_dir_all(&folder).unwrap();
            for (seq, bytes) in (1..).zip(objects) {
                fs::write(folder.join(format!("{seq:020}")), bytes).unwrap();
            }
        }
    }
    let conclusion = |name| fold(&stored(name)).state().unwrap().conclusion().cloned().unwrap();
    assert_eq!(conclusion("eventful"), Conclusion::Completed);
    assert!(matches!(conclusion("failing"), Conclusion::RolledBack { .. }), "{:?}", conclusion("failing"));
    assert_eq!(conclusion("aborted"), Conclusion::Aborted);
    assert!(matches!(conclusion("held"), Conclusion::Failed { .. }), "{:?}", conclusion("held"));
}

/// The body of a commit with something else in it, made whole again.
fn altered(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    let text = std::str::from_utf8(bytes).unwrap();
    let body = text.lines().nth(1).unwrap().replacen(from, to, 1);
    assert_ne!(body, text.lines().nth(1).unwrap(), "no {from} in it");
    format!("{}\n{body}\n", Digest::of(body.as_bytes())).into_bytes()
}

#[test]
fn what_a_newer_version_wrote_is_refused_as_that() {
    let first = &stored("failing")[0];
    for (from, to, said) in [
        ("\"format\":1", "\"format\":2", "has format 2, and this version of the library reads format 1"),
        ("\"format\":1,\"seq\"", "\"format\":7,\"number\"", "has format 7"),
        ("\"seq\":", "\"novelty\":1,\"seq\":", "unknown field `novelty`"),
        ("{\"open\":", "{\"novelty\":", "unknown variant `novelty`"),
        ("\"format\":1,", "", "missing field `format`"),
    ] {
        match Commit::decode(&altered(first, from, to)) {
            Err(Unreadable::Newer(reason)) => assert!(reason.contains(said), "{to}: {reason}"),
            other => panic!("{to}: {other:?}"),
        }
    }
}

/// Another rollout of the same content has other bytes: the name is in the first commit.
#[test]
fn a_journal_is_that_of_one_rollout() {
    let objects = stored("failing");
    let (commit, digest) = Commit::decode(&objects[0]).unwrap();
    let mut other = Fold::new(RolloutId::new("deploy-43").unwrap());
    assert!(other.apply(&commit, digest).is_err());
}
