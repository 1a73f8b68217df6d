//! What a turn of a controller adds to a journal. Pure, so that a model checker can take the same turns.

use super::{Fact, Fold, Record, observe};
use crate::fleet::Snapshot;
use crate::planner::{Conclusion, Decision, Due, IllegalTransition, RolloutState, decide, due};
use crate::time::Timestamp;

/// What is left once everything that may be done now is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decided {
    /// Something must happen first.
    Wait,
    /// The rollout is over, and only [`Record::Close`] is missing.
    Done(Conclusion),
}

/// Each of these records what it says in the state and returns it, in its order. Before the journal has begun there is
/// nothing to record.
impl Fold {
    /// What a look at the fleet proves about launches, and shows of members and of strangers.
    ///
    /// # Errors
    /// [`IllegalTransition`]; the fold is of no use after it.
    pub fn observe(&mut self, snapshot: &Snapshot, now: Timestamp) -> Result<Vec<Record>, IllegalTransition> {
        let mut all = self.record_all(now, |state| observe::launches(state, snapshot))?;
        all.extend(self.record_all(now, |state| observe::members(state, snapshot, now))?);
        all.extend(self.record_all(now, |state| observe::strangers(state, snapshot, now))?);
        Ok(all)
    }

    /// What time alone has changed.
    ///
    /// # Errors
    /// [`IllegalTransition`]; the fold is of no use after it.
    pub fn fall_due(&mut self, now: Timestamp) -> Result<Vec<Record>, IllegalTransition> {
        self.record_all(now, |state| {
            let fact = |due| match due {
                Due::Member(seat, observation) => Fact::Observed { seat, observation },
                Due::Rested(slot) => Fact::Rested { slot },
                Due::Window { open } => Fact::Window { open },
            };
            due(state, now).into_iter().map(fact).map(Record::Fact).collect()
        })
    }

    /// What the kernel decides, until it has nothing more to say.
    ///
    /// # Errors
    /// [`IllegalTransition`]; the fold is of no use after it.
    pub fn decide(&mut self, now: Timestamp) -> Result<(Vec<Record>, Decided), IllegalTransition> {
        let mut all = Vec::new();
        loop {
            let Some(state) = self.state() else { return Ok((all, Decided::Wait)) };
            let record = match decide(state, now) {
                Decision::Act(steps) => {
                    for step in steps {
                        all.extend(self.record_all(now, |state| vec![Record::of(step, state)])?);
                    }
                    continue;
                }
                Decision::Wait => return Ok((all, Decided::Wait)),
                Decision::Done(conclusion) => return Ok((all, Decided::Done(conclusion))),
                Decision::NextTarget => Record::NextTarget,
                Decision::TurnBack(reason) => Record::TurnBack { reason },
                Decision::End(conclusion) => Record::End { conclusion },
            };
            all.extend(self.record_all(now, |_| vec![record])?);
        }
    }

    fn record_all(
        &mut self,
        now: Timestamp,
        records: impl FnOnce(&RolloutState) -> Vec<Record>,
    ) -> Result<Vec<Record>, IllegalTransition> {
        let records = self.state().map(records).unwrap_or_default();
        for record in &records {
            self.record(record, now)?;
        }
        Ok(records)
    }
}
