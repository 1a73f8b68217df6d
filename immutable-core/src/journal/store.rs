use std::fmt::{self, Debug};

use async_trait::async_trait;

use crate::error::{Retry, Source};
use crate::id::RolloutId;

/// The name of one stored object: `rollout/<id>/log/<seq>`, the number with 20 digits so that names sort like numbers.
///
/// ```
/// use immutable_core::RolloutId;
/// use immutable_core::journal::Key;
///
/// let rollout = RolloutId::new("deploy-42").unwrap();
/// let key = Key::new(rollout, 7);
/// assert_eq!(key.to_string(), "rollout/deploy-42/log/00000000000000000007");
/// assert_eq!(Key::parse(&key.to_string()), Some(key));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    rollout: RolloutId,
    seq: u64,
}

impl Key {
    /// The key of a commit.
    #[must_use]
    pub const fn new(rollout: RolloutId, seq: u64) -> Self {
        Self { rollout, seq }
    }

    /// The rollout.
    #[must_use]
    pub const fn rollout(&self) -> &RolloutId {
        &self.rollout
    }

    /// The number of the commit, from 1.
    #[must_use]
    pub const fn seq(&self) -> u64 {
        self.seq
    }

    /// The key that a stored name means, if it is one.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let (rollout, seq) = name.strip_prefix("rollout/")?.split_once("/log/")?;
        (seq.len() == 20 && seq.bytes().all(|b| b.is_ascii_digit()))
            .then(|| Some(Self::new(RolloutId::new(rollout).ok()?, seq.parse().ok()?)))?
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rollout/{}/log/{:020}", self.rollout, self.seq)
    }
}

/// Whether [`JournalStore::create_if_absent`] created the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Created {
    /// This call created it.
    Yes,
    /// It was there before; nothing was changed.
    AlreadyExists,
}

/// Where journals are kept. Three operations are enough, so a folder, an object store or a table can be one.
#[async_trait]
pub trait JournalStore: Debug + Send + Sync {
    /// Stores the object whole or not at all, unless one with this key exists. Of several concurrent calls with one
    /// key exactly one gets [`Created::Yes`]. When it returns, the object survives a crash of the machine.
    ///
    /// # Errors
    /// [`StoreError`]; the object may or may not have been stored.
    async fn create_if_absent(&self, key: &Key, bytes: &[u8]) -> Result<Created, StoreError>;

    /// All keys of a rollout, lowest number first. Every object whose creation has returned is among them.
    ///
    /// # Errors
    /// [`StoreError`]; a partial list is an error, not an answer.
    async fn list(&self, rollout: &RolloutId) -> Result<Vec<Key>, StoreError>;

    /// The bytes of an object, or `None` if there is no such object.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError>;
}

/// Why a store did not answer.
#[derive(Debug, thiserror::Error)]
#[error("journal store: {action} `{place}` failed")]
#[non_exhaustive]
pub struct StoreError {
    /// What was tried, for example `create`.
    pub action: &'static str,
    /// The file, object or folder.
    pub place: String,
    /// Whether another try can help.
    pub retry: Retry,
    /// Why.
    #[source]
    pub source: Source,
}

impl StoreError {
    /// This action failed at this place.
    #[must_use]
    pub fn new(action: &'static str, place: impl Into<String>, retry: Retry, source: Source) -> Self {
        Self { action, place: place.into(), retry, source }
    }
}
