use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Reading, Record};
use crate::digest::Digest;
use crate::id::{ClockId, WriterId};
use crate::time::Timestamp;

/// The version of the format of commits that this library writes, and the only one that it reads.
const FORMAT: u32 = 1;

/// One stored object of a journal: records that are committed together, chained to the commit before.
///
/// Stored as two lines of text: the digest of the second line, and the commit as JSON. So a torn or altered object is
/// found out without a canonical form of JSON. `docs/journal-format.md` has it to the byte.
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
/// assert!(Commit::decode(&bytes[..bytes.len() - 2]).unwrap_err().to_string().contains("digest"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// Why a stored object is no commit that this library can read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unreadable {
    /// It is not what was written.
    #[error("{0}")]
    Damaged(String),
    /// It is whole, and says what this version of the library does not know.
    #[error("{0}")]
    Newer(String),
}

/// The second line, as it is written.
#[derive(Serialize)]
struct Body<'c, R> {
    format: u32,
    seq: u64,
    prev: &'c Option<Digest>,
    writer: &'c WriterId,
    epoch: u64,
    clock: &'c ClockId,
    at: Timestamp,
    records: &'c [R],
}

/// The second line, as it is read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored<R> {
    format: u32,
    seq: u64,
    prev: Option<Digest>,
    writer: WriterId,
    epoch: u64,
    clock: ClockId,
    at: Timestamp,
    records: Vec<R>,
}

/// All that a version can know of one that comes after it.
#[derive(Deserialize)]
struct Version {
    format: u32,
}

impl Commit {
    /// Reads the stored form of a commit of a rollout's journal.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn decode(bytes: &[u8]) -> Result<(Self, Digest), Unreadable> {
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
        let Self { seq, prev, writer, epoch, clock, at, records } = self;
        let (format, seq, epoch, at) = (FORMAT, *seq, *epoch, *at);
        let body = Body { format, seq, prev, writer, epoch, clock, at, records };
        // Commits hold only text keys and no value that JSON lacks, so this cannot fail.
        signed(&serde_json::to_vec(&body).unwrap_or_default())
    }
}

impl<R: DeserializeOwned> Commit<R> {
    /// Reads the stored form, whatever the journal is about.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn read(bytes: &[u8]) -> Result<(Self, Digest), Unreadable> {
        let (body, digest) = content(bytes).map_err(Unreadable::Damaged)?;
        let stored = serde_json::from_str::<Stored<R>>(body).map_err(|error| error.to_string());
        let unknown = match stored {
            Ok(Stored { format: FORMAT, seq, prev, writer, epoch, clock, at, records }) => {
                return Ok((Self { seq, prev, writer, epoch, clock, at, records }, digest));
            }
            Ok(Stored { format, .. }) => of_format(format),
            Err(error) => match serde_json::from_str::<Version>(body) {
                Ok(Version { format }) if format != FORMAT => of_format(format),
                _ => error,
            },
        };
        Err(Unreadable::Newer(unknown))
    }
}

fn of_format(format: u32) -> String {
    format!("it has format {format}, and this version of the library reads format {FORMAT}")
}

/// The stored form of a content: its digest, and itself.
pub(super) fn signed(content: &[u8]) -> (Vec<u8>, Digest) {
    let digest = Digest::of(content);
    let mut bytes = digest.to_string().into_bytes();
    bytes.reserve(content.len() + 2);
    bytes.push(b'\n');
    bytes.extend_from_slice(content);
    bytes.push(b'\n');
    (bytes, digest)
}

/// The content of a stored form, and its digest; or what is wrong with it.
pub(super) fn content(bytes: &[u8]) -> Result<(&str, Digest), String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not text".to_owned())?;
    let (digest, rest) = text.split_once('\n').ok_or("it has no digest line: it is torn or foreign")?;
    let digest: Digest = digest.parse().map_err(|error| format!("its first line is no digest: {error}"))?;
    let content = rest.strip_suffix('\n').ok_or("its end is missing, so its digest cannot be checked")?;
    if Digest::of(content.as_bytes()) != digest && !seeded!(DamageRead) {
        return Err("its content does not match its digest: it was altered".to_owned());
    }
    Ok((content, digest))
}
