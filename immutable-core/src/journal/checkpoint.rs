use serde::{Deserialize, Serialize};

use super::commit::{content, signed};
use super::timeline::Timeline;
use crate::digest::Digest;
use crate::id::{RolloutId, WriterId};

/// The version of the format of checkpoints.
const FORMAT: u32 = 1;

/// What a fold of commits is made of besides its state, as a checkpoint holds it.
///
/// A checkpoint says what the records came to for the version of the library that folded them. Another version may fold
/// them to something else, so it reads them itself: a checkpoint is of use to the very version that wrote it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Checkpoint {
    format: u32,
    library: String,
    pub(super) rollout: RolloutId,
    /// The last commit that is in it, and its digest.
    pub(super) seq: u64,
    pub(super) commit: Digest,
    pub(super) plan: Option<Digest>,
    pub(super) claim: Option<(WriterId, u64)>,
    pub(super) timeline: Timeline,
}

impl Checkpoint {
    pub(super) fn new(rollout: RolloutId, seq: u64, commit: Digest, timeline: Timeline) -> Self {
        let library = env!("CARGO_PKG_VERSION").to_owned();
        Self { format: FORMAT, library, rollout, seq, commit, plan: None, claim: None, timeline }
    }

    /// Three lines: the digest of the other two with the line end between them, this, and the state.
    pub(super) fn encode(&self, state: &str) -> Vec<u8> {
        // It has only text keys, so this cannot fail.
        let mut lines = serde_json::to_string(self).unwrap_or_default();
        lines.push('\n');
        lines.push_str(state);
        signed(lines.as_bytes()).0
    }

    /// What is in it, and the text of the state; or why it is of no use.
    pub(super) fn decode(bytes: &[u8]) -> Result<(Self, &str), String> {
        let (lines, _) = content(bytes)?;
        let (head, state) = lines.split_once('\n').ok_or("it has no state")?;
        let checkpoint: Self =
            serde_json::from_str(head).map_err(|error| format!("another version wrote it: {error}"))?;
        if checkpoint.format != FORMAT || checkpoint.library != env!("CARGO_PKG_VERSION") {
            return Err(format!("version {} wrote it", checkpoint.library));
        }
        Ok((checkpoint, state))
    }
}
