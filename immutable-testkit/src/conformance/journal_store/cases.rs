use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use immutable_core::journal::{Created, JournalStore, Key};

use super::JournalStoreHarness;
use crate::conformance::outcome::{ensure, same};
use crate::conformance::{CaseResult, Outcome, Violation, within};

async fn created(store: &Arc<dyn JournalStore>, key: &Key, bytes: &[u8]) -> Result<(), Violation> {
    same(&format!("creation of {key}"), store.create_if_absent(key, bytes).await?, Created::Yes)
}

/// Compares without printing whole objects.
async fn holds(store: &Arc<dyn JournalStore>, key: &Key, expected: &[u8]) -> Result<(), Violation> {
    let seen = store.get(key).await?;
    ensure(seen.as_deref() == Some(expected), || {
        let seen = seen.as_ref().map(Vec::len);
        format!(
            "{key}: expected the {} bytes that were stored, saw {seen:?} bytes, or others",
            expected.len()
        )
    })
}

/// The second creation of an object is told so, and changes nothing; also with the same content.
pub async fn the_first_creation_wins<H: JournalStoreHarness + ?Sized>(harness: &H) -> CaseResult {
    let store = harness.store();
    let key = Key::new(harness.rollout("first"), 1);
    created(&store, &key, b"first").await?;
    for bytes in [&b"second"[..], b"first", b""] {
        let again = store.create_if_absent(&key, bytes).await?;
        same("a second creation", again, Created::AlreadyExists)?;
        holds(&store, &key, b"first").await?;
    }
    Ok(Outcome::Held)
}

/// Of eight writers of one object at once, through all views, one is told that it created it, and its content is
/// there. Many rounds, because a race is not lost each time.
pub async fn of_eight_concurrent_writers_one_wins<H: JournalStoreHarness + ?Sized>(
    harness: &H,
) -> CaseResult {
    let (store, rollout) = (harness.store(), harness.rollout("race"));
    let other = harness.second_view().unwrap_or_else(|| harness.store());
    for seq in 1..=20 {
        let key = Key::new(rollout.clone(), seq);
        let contents: Vec<Vec<u8>> = (0..8_u8).map(|n| vec![n; 2000 + usize::from(n)]).collect();
        let calls = contents.iter().zip([&store, &other].into_iter().cycle());
        let calls = calls.map(|(bytes, store)| store.create_if_absent(&key, bytes));
        let mut winners = Vec::new();
        for (n, result) in join_all(calls).await.into_iter().enumerate() {
            if result? == Created::Yes {
                winners.push(n);
            }
        }
        ensure(winners.len() == 1, || {
            format!("of 8 concurrent creations of {key} these succeeded: {winners:?}")
        })?;
        holds(&store, &key, &contents[winners[0]]).await?;
    }
    Ok(Outcome::Held)
}

/// Writers of different objects do not get in each other's way.
pub async fn concurrent_writers_of_different_objects_all_win<H: JournalStoreHarness + ?Sized>(
    harness: &H,
) -> CaseResult {
    let (store, rollout) = (harness.store(), harness.rollout("many"));
    let keys: Vec<Key> = (1..=32).map(|seq| Key::new(rollout.clone(), seq)).collect();
    for result in join_all(keys.iter().map(|key| created(&store, key, b"content"))).await {
        result?;
    }
    same("the list", store.list(&Key::new(rollout.clone(), 1)).await?, keys)?;
    Ok(Outcome::Held)
}

/// What comes back is what was stored: nothing, every byte, text with line ends.
pub async fn content_is_stored_whole<H: JournalStoreHarness + ?Sized>(harness: &H) -> CaseResult {
    let (store, rollout) = (harness.store(), harness.rollout("whole"));
    let every_byte: Vec<u8> = (0..=255).collect();
    let contents: [&[u8]; 5] = [b"", b"\0", &every_byte, b"a\r\nb\n", "{\"é\": \"\u{1F980}\"}".as_bytes()];
    for (seq, bytes) in (1..).zip(contents) {
        let key = Key::new(rollout.clone(), seq);
        created(&store, &key, bytes).await?;
        holds(&store, &key, bytes).await?;
    }
    Ok(Outcome::Held)
}

/// A large commit comes back whole.
pub async fn an_object_of_one_mebibyte_is_stored_whole<H: JournalStoreHarness + ?Sized>(
    harness: &H,
) -> CaseResult {
    let store = harness.store();
    let key = Key::new(harness.rollout("large"), 1);
    // Not a repetition of a short pattern, so that a lost or doubled block is noticed.
    let bytes: Vec<u8> =
        (0..1_u32 << 20).map(|n| (n.wrapping_mul(2_654_435_761) >> 24).to_le_bytes()[0]).collect();
    created(&store, &key, &bytes).await?;
    holds(&store, &key, &bytes).await?;
    same("the list", store.list(&key).await?, vec![key])?;
    Ok(Outcome::Held)
}

/// Objects are listed by number, all of them, in whatever order they were created and whatever is missing between.
pub async fn the_list_is_sorted_and_complete_with_gaps<H: JournalStoreHarness + ?Sized>(
    harness: &H,
) -> CaseResult {
    let (store, rollout) = (harness.store(), harness.rollout("gaps"));
    let mut seqs = vec![100, 2, 9, 10, u64::MAX, 1, 99, 1 << 40];
    for seq in &seqs {
        created(&store, &Key::new(rollout.clone(), *seq), b"x").await?;
    }
    seqs.sort_unstable();
    let listed: Vec<u64> = store.list(&Key::new(rollout.clone(), 1)).await?.iter().map(Key::seq).collect();
    same("the list", listed, seqs)?;
    Ok(Outcome::Held)
}

/// An object that was never created is `None`, not an error; also between others.
pub async fn a_missing_object_is_none<H: JournalStoreHarness + ?Sized>(harness: &H) -> CaseResult {
    let (store, rollout) = (harness.store(), harness.rollout("missing"));
    same("an object of an unknown rollout", store.get(&Key::new(rollout.clone(), 1)).await?, None)?;
    created(&store, &Key::new(rollout.clone(), 1), b"x").await?;
    created(&store, &Key::new(rollout.clone(), 3), b"x").await?;
    same("an object between two others", store.get(&Key::new(rollout, 2)).await?, None)?;
    Ok(Outcome::Held)
}

/// A rollout of which nothing is stored has an empty list, not an error.
pub async fn an_unknown_rollout_is_empty<H: JournalStoreHarness + ?Sized>(harness: &H) -> CaseResult {
    same("the list", harness.store().list(&Key::new(harness.rollout("unknown"), 1)).await?, Vec::new())?;
    Ok(Outcome::Held)
}

/// Rollouts share nothing, also if the name of one begins with that of another.
pub async fn rollouts_are_kept_apart<H: JournalStoreHarness + ?Sized>(harness: &H) -> CaseResult {
    let store = harness.store();
    let rollouts = ["a", "a-b", "a.b", "a_b", "ab", "a1"].map(|name| harness.rollout(name));
    for rollout in &rollouts {
        created(&store, &Key::new(rollout.clone(), 1), rollout.as_str().as_bytes()).await?;
    }
    for rollout in &rollouts {
        let key = Key::new(rollout.clone(), 1);
        same("the list", store.list(&key).await?, vec![key.clone()])?;
        holds(&store, &key, rollout.as_str().as_bytes()).await?;
    }
    Ok(Outcome::Held)
}

/// What one process created, another one lists, reads, and cannot create.
pub async fn another_view_sees_what_was_created<H: JournalStoreHarness + ?Sized>(harness: &H) -> CaseResult {
    let Some(other) = harness.second_view() else {
        return Ok(Outcome::Absent { capability: "second view in its harness" });
    };
    let store = harness.store();
    let key = Key::new(harness.rollout("views"), 1);
    same("the object before", other.get(&key).await?, None)?;
    created(&store, &key, b"ours").await?;
    same("the other's creation", other.create_if_absent(&key, b"theirs").await?, Created::AlreadyExists)?;
    holds(&other, &key, b"ours").await?;
    same("the other's list", other.list(&key).await?, vec![key])?;
    Ok(Outcome::Held)
}

/// What was created is there after the store was closed and opened again.
pub async fn what_was_created_survives_reopening<H: JournalStoreHarness + ?Sized>(harness: &H) -> CaseResult {
    let rollout = harness.rollout("durable");
    let keys: Vec<Key> = (1..=3).map(|seq| Key::new(rollout.clone(), seq)).collect();
    let store = harness.store();
    for key in &keys {
        created(&store, key, key.to_string().as_bytes()).await?;
    }
    drop(store);
    let Some(store) = harness.reopen().await else {
        return Ok(Outcome::Absent { capability: "reopening in its harness" });
    };
    for key in &keys {
        holds(&store, key, key.to_string().as_bytes()).await?;
    }
    same("the list", store.list(&Key::new(rollout.clone(), 1)).await?, keys)?;
    Ok(Outcome::Held)
}

/// A creation that is given up at any moment has stored the whole object or nothing, and the next one is told which.
pub async fn a_dropped_creation_stored_all_or_nothing<H: JournalStoreHarness + ?Sized>(
    harness: &H,
) -> CaseResult {
    let (store, rollout, clock) = (harness.store(), harness.rollout("dropped"), harness.clock());
    let (ours, theirs) = (vec![b'a'; 200_000], vec![b'b'; 100_000]);
    for (seq, micros) in (1..).zip([0, 20, 100, 500, 2000, 10_000]) {
        let key = Key::new(rollout.clone(), seq);
        let _ = within(&*clock, Duration::from_micros(micros), store.create_if_absent(&key, &ours)).await;
        match store.create_if_absent(&key, &theirs).await? {
            Created::Yes => holds(&store, &key, &theirs).await?,
            Created::AlreadyExists => holds(&store, &key, &ours).await?,
        }
        ensure(store.list(&Key::new(rollout.clone(), 1)).await?.contains(&key), || {
            format!("{key} exists and is not listed")
        })?;
    }
    Ok(Outcome::Held)
}
