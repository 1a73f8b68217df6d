use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use immutable_core::Timestamp;
use immutable_core::controller::Clock;
use immutable_core::error::Retry;
use immutable_core::journal::{Created, JournalStore, Key, StoreError};
use serde::{Deserialize, Serialize};

use super::{FaultKind, Tally};

/// What is wrong with the bytes that a store gives back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Damage {
    /// Their end is missing.
    Torn,
    /// One bit is another.
    Flipped,
    /// They are those of the object before.
    Misdirected,
}

#[derive(Debug, Default)]
struct Faults {
    lost: u32,
    unanswered: u32,
    damage: Option<(Damage, Timestamp)>,
    down_until: Option<Timestamp>,
    reads: usize,
}

/// A journal store that loses writes and answers, is not reached, or gives back damaged bytes. What it holds stays whole:
/// a store that really loses what it has confirmed keeps no promise of [`JournalStore`], and nothing can be built on it.
///
/// ```
/// use std::sync::Arc;
///
/// use immutable_core::journal::{JournalStore, Key, MemoryStore};
/// use immutable_core::{RolloutId, Timestamp};
/// use immutable_testkit::clock::VirtualClock;
/// use immutable_testkit::faulty::{FaultyStore, Tally};
///
/// let clock = VirtualClock::new(Timestamp::UNIX_EPOCH);
/// let store = FaultyStore::new(Arc::new(MemoryStore::new()), clock.shared(), Tally::new());
/// store.lose_answers(1);
/// let key = Key::new(RolloutId::new("deploy-1").unwrap(), 1);
/// clock.run(async {
///     assert!(store.create_if_absent(&key, b"one").await.is_err());
///     assert_eq!(store.get(&key).await.unwrap().unwrap(), b"one");
/// });
/// ```
#[derive(Debug)]
pub struct FaultyStore {
    inner: Arc<dyn JournalStore>,
    clock: Arc<dyn Clock>,
    tally: Tally,
    faults: Mutex<Faults>,
}

impl FaultyStore {
    /// A store without faults so far.
    #[must_use]
    pub fn new(inner: Arc<dyn JournalStore>, clock: Arc<dyn Clock>, tally: Tally) -> Self {
        Self { inner, clock, tally, faults: Mutex::default() }
    }

    /// The next writes are not stored, and an error says so.
    pub fn lose_writes(&self, times: u32) {
        self.faults().lost = times;
    }

    /// The next writes are stored, but an error says that they may not be.
    pub fn lose_answers(&self, times: u32) {
        self.faults().unanswered = times;
    }

    /// What is read until then is damaged.
    pub fn damage(&self, damage: Damage, until: Timestamp) {
        self.faults().damage = Some((damage, until));
    }

    /// Nothing is read or written until then.
    pub fn unreachable(&self, until: Timestamp) {
        self.faults().down_until = Some(until);
    }

    /// No faults any more.
    pub fn heal(&self) {
        *self.faults() = Faults::default();
    }

    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn error(&self, action: &'static str, place: String, why: &str) -> StoreError {
        self.tally.met(FaultKind::Storage);
        StoreError::new(action, place, Retry::Backoff, format!("injected: {why}").into())
    }

    fn reach(&self, action: &'static str, place: impl FnOnce() -> String) -> Result<(), StoreError> {
        let until = self.faults().down_until;
        match until.filter(|until| self.clock.now() < *until) {
            Some(_) => Err(self.error(action, place(), "not reached")),
            None => Ok(()),
        }
    }

    /// Which damage this read meets, and how many have met one.
    fn meets_damage(&self) -> Option<(Damage, usize)> {
        let now = self.clock.now();
        let mut faults = self.faults();
        let (damage, _) = faults.damage.filter(|(_, until)| now < *until)?;
        faults.reads += 1;
        Some((damage, faults.reads))
    }
}

fn take(times: &mut u32) -> bool {
    let is_left = *times > 0;
    *times -= u32::from(is_left);
    is_left
}

#[async_trait]
impl JournalStore for FaultyStore {
    async fn create_if_absent(&self, key: &Key, bytes: &[u8]) -> Result<Created, StoreError> {
        self.reach("create", || key.to_string())?;
        if take(&mut self.faults().lost) {
            return Err(self.error("create", key.to_string(), "the write is lost"));
        }
        let created = self.inner.create_if_absent(key, bytes).await?;
        if take(&mut self.faults().unanswered) {
            return Err(self.error("create", key.to_string(), "no answer"));
        }
        Ok(created)
    }

    async fn list(&self, from: &Key) -> Result<Vec<Key>, StoreError> {
        self.reach("list", || from.to_string())?;
        self.inner.list(from).await
    }

    async fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        self.reach("get", || key.to_string())?;
        let Some(mut bytes) = self.inner.get(key).await? else { return Ok(None) };
        let Some((damage, number)) = self.meets_damage() else { return Ok(Some(bytes)) };
        self.tally.met(FaultKind::Storage);
        // Another byte each time.
        let at = number.wrapping_mul(7919) % bytes.len().max(1);
        match damage {
            Damage::Torn => bytes.truncate(at),
            Damage::Flipped => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << (number % 8);
                }
            }
            Damage::Misdirected => {
                let before = key.at(key.seq().saturating_sub(1).max(1));
                return self.inner.get(&before).await;
            }
        }
        Ok(Some(bytes))
    }
}
