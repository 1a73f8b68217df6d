use std::fmt::{self, Debug};

use async_trait::async_trait;

use crate::error::{Retry, Source};
use crate::id::RolloutId;

/// The name of one stored object: `rollout/<id>/log/<seq>` of a commit, `rollout/<id>/checkpoint/<seq>` of a checkpoint.
/// The number has 20 digits, so that names sort like numbers.
///
/// ```
/// use immutable_core::RolloutId;
/// use immutable_core::journal::Key;
///
/// let rollout = RolloutId::new("deploy-42").unwrap();
/// let key = Key::new(rollout.clone(), 7);
/// assert_eq!(key.to_string(), "rollout/deploy-42/log/00000000000000000007");
/// assert_eq!(Key::parse(&key.to_string()), Some(key));
/// let key = Key::checkpoint(rollout, 7);
/// assert_eq!(key.to_string(), "rollout/deploy-42/checkpoint/00000000000000000007");
/// assert_eq!(Key::parse(&key.to_string()), Some(key));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    rollout: RolloutId,
    part: Part,
    seq: u64,
}

/// What an object is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// A commit: the truth.
    Log,
    /// What the commits up to this one come to: may be lost at any time.
    Checkpoint,
}

impl Part {
    const ALL: [Self; 2] = [Self::Log, Self::Checkpoint];

    /// Its folder.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Checkpoint => "checkpoint",
        }
    }
}

impl Key {
    /// The key of a commit.
    #[must_use]
    pub const fn new(rollout: RolloutId, seq: u64) -> Self {
        Self { rollout, part: Part::Log, seq }
    }

    /// The key of a checkpoint after this commit.
    #[must_use]
    pub const fn checkpoint(rollout: RolloutId, seq: u64) -> Self {
        Self { rollout, part: Part::Checkpoint, seq }
    }

    /// The key of another object of the same kind.
    #[must_use]
    pub fn at(&self, seq: u64) -> Self {
        Self { seq, ..self.clone() }
    }

    /// The rollout.
    #[must_use]
    pub const fn rollout(&self) -> &RolloutId {
        &self.rollout
    }

    /// What the object is for.
    #[must_use]
    pub const fn part(&self) -> Part {
        self.part
    }

    /// The number of the commit, from 1.
    #[must_use]
    pub const fn seq(&self) -> u64 {
        self.seq
    }

    /// The key that a stored name means, if it is one.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let (rollout, rest) = name.strip_prefix("rollout/")?.split_once('/')?;
        let (part, seq) = rest.split_once('/')?;
        let part = Part::ALL.into_iter().find(|known| known.name() == part)?;
        Some(Self { rollout: RolloutId::new(rollout).ok()?, part, seq: Self::parse_seq(seq)? })
    }

    /// The number that the last part of a stored name means, if it is one.
    #[must_use]
    pub fn parse_seq(name: &str) -> Option<u64> {
        (name.len() == 20 && name.bytes().all(|b| b.is_ascii_digit())).then(|| name.parse().ok())?
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rollout/{}/{}/{:020}", self.rollout, self.part.name(), self.seq)
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

    /// The keys of the same rollout and [`Part`] as this one, from its number on, lowest number first. Every object whose
    /// creation has returned is among them.
    ///
    /// # Errors
    /// [`StoreError`]; a partial list is an error, not an answer.
    async fn list(&self, from: &Key) -> Result<Vec<Key>, StoreError>;

    /// The bytes of an object, or `None` if there is no such object.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError>;
}

/// Why a store did not answer.
#[derive(Debug, thiserror::Error)]
#[error("journal store: {action} `{place}` failed; {way_out}")]
#[non_exhaustive]
pub struct StoreError {
    /// What was tried, for example `create`.
    pub action: &'static str,
    /// The file, object or folder.
    pub place: String,
    /// Whether another try can help.
    pub retry: Retry,
    /// What to do about it.
    pub way_out: &'static str,
    /// Why.
    #[source]
    pub source: Source,
}

impl StoreError {
    /// This action failed at this place.
    #[must_use]
    pub fn new(action: &'static str, place: impl Into<String>, retry: Retry, source: Source) -> Self {
        let way_out = match retry {
            Retry::Never => "remove the cause, then resume the rollout",
            Retry::After(_) | Retry::Backoff => "it is tried again",
        };
        Self { action, place: place.into(), retry, way_out, source }
    }

    /// With a better way out than the usual one.
    #[must_use]
    pub const fn way_out(mut self, way_out: &'static str) -> Self {
        self.way_out = way_out;
        self
    }
}
