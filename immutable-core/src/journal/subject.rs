use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Fact, Record};
use crate::digest::Digest;
use crate::id::{RolloutId, WriterId};
use crate::planner::{IllegalTransition, RolloutState};
use crate::time::{Skew, Timestamp};

/// What a journal is about: a state, and the records that it is the fold of.
///
/// The protocol is the same for all of them: commits, claims and who may write know nothing of what the records say.
pub trait Subject: Clone + Debug + PartialEq {
    /// One thing that a journal of this kind says.
    type Record: Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync;

    /// Whether anything in it depends on when something was said.
    const TIMED: bool;

    /// The record by which a writer takes over.
    fn claiming(writer: WriterId, epoch: u64) -> Self::Record;

    /// Who takes over by this record and with which epoch, if it is one of those.
    fn claim(record: &Self::Record) -> Option<(&WriterId, u64)>;

    /// Whether this record takes up what other clocks have dated.
    fn takes_up(record: &Self::Record) -> bool;

    /// The state after the first record, and the digest of the plan that was approved.
    ///
    /// # Errors
    /// [`IllegalTransition`] when a journal of this name does not begin like that.
    fn open(
        id: &RolloutId,
        record: &Self::Record,
        at: Timestamp,
    ) -> Result<(Self, Digest), IllegalTransition>;

    /// Takes in a further record that is no claim.
    ///
    /// # Errors
    /// [`IllegalTransition`]; the state is of no use after it.
    fn take(&mut self, record: &Self::Record, at: Timestamp) -> Result<(), IllegalTransition>;

    /// Who claimed it goes by a clock that is so far ahead of the time of the journal.
    fn run_by(&mut self, skew: Skew);

    /// The state as one line of text, of which [`thaw`](Self::thaw) makes an equal one. `None` where journals are so short
    /// that they are always read from their beginning.
    fn freeze(&self) -> Option<String> {
        None
    }

    /// The state that was frozen.
    ///
    /// # Errors
    /// Why it cannot be had, in words.
    fn thaw(_text: &str) -> Result<Self, String> {
        Err("journals of this kind have no checkpoints".to_owned())
    }

    /// How many things a frozen state holds, in round numbers: what freezing it costs.
    fn extent(&self) -> u64 {
        0
    }
}

impl Subject for RolloutState {
    type Record = Record;

    const TIMED: bool = true;

    fn claiming(writer: WriterId, epoch: u64) -> Record {
        Record::Claim { writer, epoch }
    }

    fn claim(record: &Record) -> Option<(&WriterId, u64)> {
        match record {
            Record::Claim { writer, epoch } => Some((writer, *epoch)),
            _ => None,
        }
    }

    fn takes_up(record: &Record) -> bool {
        matches!(record, Record::Fact(Fact::TakenUp))
    }

    fn open(id: &RolloutId, record: &Record, at: Timestamp) -> Result<(Self, Digest), IllegalTransition> {
        let Record::Open { spec, initial, plan } = record else {
            return Err(IllegalTransition::new("the rollout is not opened yet"));
        };
        if spec.rollout != *id {
            return Err(IllegalTransition::new(format!("it opens rollout {}", spec.rollout)));
        }
        Ok((Self::open((**spec).clone(), initial, at)?, *plan))
    }

    fn take(&mut self, record: &Record, at: Timestamp) -> Result<(), IllegalTransition> {
        if matches!(record, Record::Open { .. }) {
            return Err(IllegalTransition::new("the rollout is opened twice"));
        }
        if self.conclusion().is_some() {
            return Err(IllegalTransition::new("the rollout is closed"));
        }
        super::transition::transition(self, record, at)?;
        self.settle(at);
        Ok(())
    }

    fn run_by(&mut self, skew: Skew) {
        seeded!(ControlsForgotten => self.unpaused());
        self.skewed(skew);
    }

    fn freeze(&self) -> Option<String> {
        serde_json::to_string(self).ok()
    }

    fn thaw(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    fn extent(&self) -> u64 {
        self.extent()
    }
}
