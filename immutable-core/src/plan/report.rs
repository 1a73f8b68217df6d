use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::WaitingOn;
use crate::id::Slot;

/// Where a rollout stands and why each slot that is not finished does not move. It is not a summary of the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[must_use = "an unread report explains nothing"]
#[non_exhaustive]
pub struct PlanReport {
    /// The stage, from 0.
    pub stage: usize,
    /// How many stages there are.
    pub stages: usize,
    /// Instances that exist, those starting and stopping included.
    pub total: u32,
    /// The most that may exist.
    pub max_total: u32,
    /// Instances that serve.
    pub available: u32,
    /// The fewest that must serve.
    pub min_available: u32,
    /// Instances of the wanted image that serve.
    pub updated: u32,
    /// How many there shall be in the end.
    pub desired: u32,
    /// Failed instances of the wanted image so far.
    pub failures: u32,
    /// Why each slot that is not finished waits.
    pub waiting: BTreeMap<Slot, WaitingOn>,
}

impl fmt::Display for PlanReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            stage,
            stages,
            total,
            max_total,
            available,
            min_available,
            updated,
            desired,
            failures,
            waiting,
        } = self;
        write!(
            f,
            "stage {}/{stages}: {updated}/{desired} updated, {available} available (at least {min_available}), {total} exist \
             (at most {max_total}), {failures} failed",
            stage + 1
        )?;
        for (slot, reason) in waiting {
            write!(f, "\n  {slot}: {reason}")?;
        }
        Ok(())
    }
}
