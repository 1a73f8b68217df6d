use std::fmt;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::id::{RolloutId, WriterId};
use crate::release::{GroupOutcome, PinnedRollout, ReleaseEvent, ReleaseSpec};

/// One thing the journal of a release says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum ReleaseRecord {
    /// The release begins; always the first record, and only there.
    Open {
        /// Its name.
        release: RolloutId,
        /// The groups and their order.
        spec: Box<ReleaseSpec>,
        /// The rollout of each group, in the order of the groups.
        rollouts: Vec<PinnedRollout>,
        /// All that was approved; see [`ReleasePlan::digest`](crate::release::ReleasePlan::digest).
        plan: Digest,
    },
    /// A controller takes over. From here on only it writes, apart from controls.
    Claim {
        /// Who.
        writer: WriterId,
        /// One more than the claim before.
        epoch: u64,
    },
    /// A group begins, goes back or ended. Committed before the group's own journal begins.
    Event(ReleaseEvent),
    /// A person said something.
    Control(ReleaseControl),
}

/// What a person can say to a release. Always legal; what the release cannot follow has no effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum ReleaseControl {
    /// Begin nothing new until resumed, neither a group nor inside one.
    Pause,
    /// Go on after a pause.
    Resume,
    /// Begin no further group, and finish in each what was begun and leave it as it is then. Only a rollback comes after.
    Abort,
    /// Go back with all that began. Final: a rollback is never rolled back.
    Rollback,
    /// Begin a failed group anew, or the way back of a stranded one, by this rollout: planned for the fleet as it is now,
    /// under a name that the release does not use yet. It needs a slot.
    Retry {
        /// The rollout; its fleet names the group.
        rollout: Box<PinnedRollout>,
    },
}

impl fmt::Display for ReleaseRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open { release, rollouts, plan, .. } => {
                write!(f, "open release {release}: {} groups, plan {}", rollouts.len(), plan.short())
            }
            Self::Claim { writer, epoch } => write!(f, "claimed by {writer}, epoch {epoch}"),
            Self::Event(ReleaseEvent::Begin { group }) => write!(f, "group {group} begins"),
            Self::Event(ReleaseEvent::End { group, outcome }) => {
                let outcome = match outcome {
                    GroupOutcome::Done => "is done",
                    GroupOutcome::RolledBack => "is rolled back",
                    GroupOutcome::Failed => "failed",
                };
                write!(f, "group {group} {outcome}")
            }
            Self::Event(ReleaseEvent::TurnBack { group }) => write!(f, "group {group} goes back"),
            Self::Event(ReleaseEvent::Retry { group }) => write!(f, "group {group} is retried"),
            Self::Event(ReleaseEvent::RollBack) => f.write_str("the release goes back"),
            Self::Control(ReleaseControl::Pause) => f.write_str("paused"),
            Self::Control(ReleaseControl::Resume) => f.write_str("resumed"),
            Self::Control(ReleaseControl::Abort) => f.write_str("abort requested"),
            Self::Control(ReleaseControl::Rollback) => f.write_str("rollback requested"),
            Self::Control(ReleaseControl::Retry { rollout }) => {
                write!(f, "retry of group {} requested, by {}", rollout.fleet(), rollout.rollout())
            }
        }
    }
}
