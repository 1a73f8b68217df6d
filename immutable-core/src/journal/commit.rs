use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Reading, Record};
use crate::digest::Digest;
use crate::id::{ClockId, WriterId};
use crate::time::Timestamp;

/// One stored object of a journal: records that are committed together, chained to the commit before.
///
/// Stored as two lines of text: the digest of the second line, and the commit as JSON. So a torn or altered object is
/// found out without a canonical form of JSON.
///
/// ```
/// use immutable_core::journal::{Commit, Control, Record};
/// use immutable_core::{ClockId, Timestamp, WriterId};
///
/// let commit = Commit {
///     seq: 2,
///     prev: None,
///     writer: WriterId::new("me").unwrap(),
///     epoch: 1,
///     clock: ClockId::new("mine").unwrap(),
///     at: Timestamp::UNIX_EPOCH,
///     records: vec![Record::Control(Control::Pause)],
/// };
/// let (bytes, digest) = commit.encode();
/// assert_eq!(Commit::decode(&bytes).unwrap(), (commit, digest));
/// assert!(Commit::decode(&bytes[..bytes.len() - 2]).unwrap_err().contains("digest"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Commit<R = Record> {
    /// Its number, from 1.
    pub seq: u64,
    /// Digest of the commit before; `None` in the first.
    pub prev: Option<Digest>,
    /// Who wrote it.
    pub writer: WriterId,
    /// The epoch the writer claimed.
    pub epoch: u64,
    /// The clock of the writer.
    pub clock: ClockId,
    /// What that clock showed. Clocks need not agree: see [`Fold::time`](super::Fold::time).
    pub at: Timestamp,
    /// What it says.
    pub records: Vec<R>,
}

impl Commit {
    /// Reads the stored form of a commit of a rollout's journal.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn decode(bytes: &[u8]) -> Result<(Self, Digest), String> {
        Self::read(bytes)
    }
}

impl<R> Commit<R> {
    pub(super) fn reading(&self) -> Reading {
        Reading { clock: self.clock.clone(), at: self.at }
    }
}

impl<R: Serialize> Commit<R> {
    /// The stored form and the digest that the next commit refers to.
    #[must_use]
    pub fn encode(&self) -> (Vec<u8>, Digest) {
        // Commits hold only text keys and no value that JSON lacks, so this cannot fail.
        let body = serde_json::to_vec(self).unwrap_or_default();
        let digest = Digest::of(&body);
        let mut bytes = digest.to_string().into_bytes();
        bytes.push(b'\n');
        bytes.extend_from_slice(&body);
        bytes.push(b'\n');
        (bytes, digest)
    }
}

impl<R: DeserializeOwned> Commit<R> {
    /// Reads the stored form, whatever the journal is about.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn read(bytes: &[u8]) -> Result<(Self, Digest), String> {
        let text = std::str::from_utf8(bytes).map_err(|_| "it is not text".to_owned())?;
        let (digest, rest) = text.split_once('\n').ok_or("it has no digest line: it is torn or foreign")?;
        let digest: Digest =
            digest.parse().map_err(|error| format!("its first line is no digest: {error}"))?;
        let body = rest.strip_suffix('\n').ok_or("its end is missing, so its digest cannot be checked")?;
        if Digest::of(body.as_bytes()) != digest && !seeded!(DamageRead) {
            return Err("its content does not match its digest: it was altered".to_owned());
        }
        let commit = serde_json::from_str(body)
            .map_err(|error| format!("it cannot be read, perhaps a newer version wrote it: {error}"))?;
        Ok((commit, digest))
    }
}
