use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Deadlock, WaitingOn};
use crate::id::Slot;
use crate::strategy::Share;

/// Where a rollout stands and why each slot that is not finished does not move. It is not a summary of the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The share of the traffic that the new group gets; `None` if every instance gets the same.
    pub share: Option<Share>,
    /// What was asked for last and could not be granted, with the reason.
    pub refused: Option<String>,
    /// What bars everything and what would free it, if nothing can move any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadlock: Option<Deadlock>,
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
            share,
            refused,
            deadlock,
            waiting,
        } = self;
        write!(
            f,
            "stage {}/{stages}: {updated}/{desired} updated, {available} available (at least {min_available}), {total} exist \
             (at most {max_total}), {failures} failed",
            stage + 1
        )?;
        if let Some(share) = share {
            write!(f, ", {share} of the traffic")?;
        }
        if let Some(refused) = refused {
            write!(f, "\n  {refused}")?;
        }
        if let Some(deadlock) = deadlock {
            write!(f, "\n  {deadlock}")?;
        }
        for (slot, reason) in waiting {
            write!(f, "\n  {slot}: {reason}")?;
        }
        Ok(())
    }
}
