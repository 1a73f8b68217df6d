//! What a store does when its disk is damaged, full or locked, and when an answer of it is lost.

use std::sync::Arc;

use futures_util::future::join_all;
use immutable_core::error::Retry;
use immutable_core::journal::{
    Created, Journal, JournalStore, Key, Reading, ReleaseControl, ReleaseRecord, ReleaseState,
};
use immutable_core::release::ReleaseSpec;
use immutable_core::{ClockId, Digest, Timestamp, WriterId};

use super::JournalStoreHarness;
use crate::conformance::outcome::{ensure, same};
use crate::conformance::{CaseResult, Outcome, Violation};
use crate::faulty::{FaultyStore, Tally};

const MEBIBYTE: usize = 1 << 20;

/// Of a hundred writers who each append to one journal what they say, with every answer of the store in doubt, each gets a
/// number of its own, nothing is lost and nothing is there twice.
pub async fn every_writer_of_one_journal_gets_a_number_of_its_own<H: JournalStoreHarness + ?Sized>(
    harness: &H,
) -> CaseResult {
    let (store, rollout) = (harness.store(), harness.rollout("appenders"));
    let other = harness.second_view().unwrap_or_else(|| harness.store());
    let append = async |writer: u8, store: &Arc<dyn JournalStore>| -> Result<u64, Violation> {
        let bytes = [writer; 100];
        for seq in 1.. {
            let key = Key::new(rollout.clone(), seq);
            let created = store.create_if_absent(&key, &bytes).await?;
            if created == Created::Yes {
                // As after an answer that was lost: the object is its own, and it must see that.
                let again = store.create_if_absent(&key, &bytes).await?;
                same("a repeated creation", again, Created::AlreadyExists)?;
                ensure(store.get(&key).await?.as_deref() == Some(&bytes[..]), || {
                    format!("{key} is not what its writer created")
                })?;
                return Ok(seq);
            }
        }
        Err(Violation::new("all numbers are taken"))
    };
    let writers = (0..100).zip([&store, &other].into_iter().cycle());
    let mut numbers = Vec::new();
    for number in join_all(writers.map(|(writer, store)| append(writer, store))).await {
        numbers.push(number?);
    }
    numbers.sort_unstable();
    same("the numbers of the writers", numbers, (1..=100).collect())?;
    let listed: Vec<u64> = store.list(&Key::new(rollout.clone(), 1)).await?.iter().map(Key::seq).collect();
    same("the list", listed, (1..=100).collect())?;
    Ok(Outcome::Held)
}

/// A list begins with the number that was asked for, whether that exists or not, and has commits or checkpoints in it.
pub async fn a_list_begins_where_it_was_asked_to<H: JournalStoreHarness + ?Sized>(harness: &H) -> CaseResult {
    let (store, rollout) = (harness.store(), harness.rollout("from"));
    let (log, checkpoint) = (Key::new(rollout.clone(), 1), Key::checkpoint(rollout, 1));
    for key in [1, 2, 4, 5].map(|seq| log.at(seq)).iter().chain(&[3, 6].map(|seq| checkpoint.at(seq))) {
        same(&format!("creation of {key}"), store.create_if_absent(key, b"x").await?, Created::Yes)?;
    }
    for (from, seqs) in [(0, &[1, 2, 4, 5][..]), (2, &[2, 4, 5]), (3, &[4, 5]), (5, &[5]), (6, &[])] {
        let expected: Vec<Key> = seqs.iter().map(|seq| log.at(*seq)).collect();
        same(&format!("the commits from {from}"), store.list(&log.at(from)).await?, expected)?;
    }
    for (from, seqs) in [(1, &[3, 6][..]), (4, &[6]), (7, &[])] {
        let expected: Vec<Key> = seqs.iter().map(|seq| checkpoint.at(*seq)).collect();
        same(&format!("the checkpoints from {from}"), store.list(&checkpoint.at(from)).await?, expected)?;
    }
    Ok(Outcome::Held)
}

/// A commit whose answer was lost is recognised when it is repeated, and is there once.
pub async fn a_commit_whose_answer_was_lost_is_recognised<H: JournalStoreHarness + ?Sized>(
    harness: &H,
) -> CaseResult {
    let rollout = harness.rollout("ambiguous");
    let store = Arc::new(FaultyStore::new(harness.store(), harness.clock(), Tally::new()));
    let violation = |error: &dyn std::fmt::Display| Violation::new(format!("unexpected error: {error}"));
    let writer = WriterId::new("writer").map_err(|error| violation(&error))?;
    let clock = ClockId::new("clock").map_err(|error| violation(&error))?;
    let reading = Reading { clock, at: Timestamp::UNIX_EPOCH };
    let shared = Arc::clone(&store) as Arc<dyn JournalStore>;
    let mut journal = Journal::<ReleaseState>::read(shared, rollout.clone(), writer)
        .await
        .map_err(|error| violation(&error))?;
    let open = ReleaseRecord::Open {
        release: rollout.clone(),
        spec: Box::new(ReleaseSpec::default()),
        rollouts: Vec::new(),
        plan: Digest::of(b"plan"),
    };
    for (seq, record) in (1..).zip([open, ReleaseRecord::Control(ReleaseControl::Pause)]) {
        journal.record(record, Timestamp::UNIX_EPOCH).map_err(|error| violation(&error))?;
        store.lose_answers(1);
        let lost = journal.commit(&reading).await;
        ensure(lost.is_err(), || "an answer that was lost came all the same".to_owned())?;
        let again = journal.commit(&reading).await.map_err(|error| violation(&error))?;
        same("the number of the repeated commit", again.map(|(seq, _)| seq), Some(seq))?;
        let listed: Vec<u64> =
            store.list(&Key::new(rollout.clone(), 1)).await?.iter().map(Key::seq).collect();
        same("the list", listed, (1..=seq).collect())?;
    }
    Ok(Outcome::Held)
}

/// A store makes nothing better: an object that is torn or altered comes back as it is, is listed, and is not written
/// over, so that whoever reads it finds out.
pub async fn a_damaged_object_is_neither_hidden_nor_replaced<H: JournalStoreHarness + ?Sized>(
    harness: &H,
) -> CaseResult {
    let (store, rollout) = (harness.store(), harness.rollout("damaged"));
    let whole = [b'w'; 1000];
    let mut altered = whole;
    altered[500] ^= 1;
    for (seq, bytes) in (1..).zip([&whole[..600], &altered, b""]) {
        let key = Key::new(rollout.clone(), seq);
        same("creation", store.create_if_absent(&key, &whole).await?, Created::Yes)?;
        if !harness.damage(&key, bytes).await {
            return Ok(Outcome::Absent { capability: "damage in its harness" });
        }
        ensure(store.get(&key).await?.as_deref() == Some(bytes), || {
            format!("{key} was damaged to {} bytes, and that is not what is read", bytes.len())
        })?;
        let again = store.create_if_absent(&key, &whole).await?;
        same("creation over a damaged object", again, Created::AlreadyExists)?;
        ensure(store.get(&key).await?.as_deref() == Some(bytes), || format!("{key} was written over"))?;
        ensure(store.list(&key).await?.contains(&key), || format!("{key} is damaged and not listed"))?;
    }
    Ok(Outcome::Held)
}

/// A store that fails says where, and what to do.
fn says_what_to_do(store: &str, error: &immutable_core::journal::StoreError) -> Result<(), Violation> {
    ensure(!error.place.is_empty() && error.to_string().contains(&error.place), || {
        format!("a store that is {store} does not say where: {error}")
    })?;
    ensure(!error.way_out.is_empty() && error.to_string().contains(error.way_out), || {
        format!("a store that is {store} does not say what to do: {error}")
    })
}

/// Without room a creation is an error that can be tried again; what is there stays, and with room again all is well.
pub async fn a_full_store_keeps_what_it_has<H: JournalStoreHarness + ?Sized>(harness: &H) -> CaseResult {
    let (store, rollout) = (harness.store(), harness.rollout("full"));
    let (kept, refused) = (Key::new(rollout.clone(), 1), Key::new(rollout, 2));
    let large = vec![7; MEBIBYTE];
    same("creation", store.create_if_absent(&kept, b"kept").await?, Created::Yes)?;
    if !harness.fill().await {
        return Ok(Outcome::Absent { capability: "a full disk in its harness" });
    }
    for _ in 0..3 {
        match store.create_if_absent(&refused, &large).await {
            Ok(created) => return Err(Violation::new(format!("a full store says {created:?}"))),
            Err(error) => {
                says_what_to_do("full", &error)?;
                ensure(error.retry != Retry::Never, || format!("room may come, and {error} is final"))?;
            }
        }
        same("what there was no room for", store.get(&refused).await?, None)?;
        same("the list", store.list(&kept).await?, vec![kept.clone()])?;
        same("what was there", store.get(&kept).await?.as_deref(), Some(&b"kept"[..]))?;
    }
    harness.make_room().await;
    same("creation with room", store.create_if_absent(&refused, &large).await?, Created::Yes)?;
    ensure(store.get(&refused).await?.as_deref() == Some(&large[..]), || "it is not whole".to_owned())?;
    Ok(Outcome::Held)
}

/// Without the right to write a creation is an error for a person; what is there is read, and with the right again all is
/// well.
pub async fn a_store_without_the_right_to_write_says_so<H: JournalStoreHarness + ?Sized>(
    harness: &H,
) -> CaseResult {
    let (store, rollout) = (harness.store(), harness.rollout("forbidden"));
    let (kept, refused) = (Key::new(rollout.clone(), 1), Key::new(rollout, 2));
    same("creation", store.create_if_absent(&kept, b"kept").await?, Created::Yes)?;
    if !harness.forbid().await {
        return Ok(Outcome::Absent { capability: "a locked disk in its harness" });
    }
    let answer = store.create_if_absent(&refused, b"refused").await;
    let seen = (store.get(&kept).await, store.list(&kept).await);
    harness.permit().await;
    match answer {
        Ok(created) => return Err(Violation::new(format!("without the right to write it says {created:?}"))),
        Err(error) => {
            says_what_to_do("locked", &error)?;
            same("whether trying again helps", error.retry, Retry::Never)?;
        }
    }
    same("what was there", seen.0?.as_deref(), Some(&b"kept"[..]))?;
    same("the list", seen.1?, vec![kept])?;
    same("what was refused", store.get(&refused).await?, None)?;
    same("creation with the right", store.create_if_absent(&refused, b"later").await?, Created::Yes)?;
    Ok(Outcome::Held)
}
