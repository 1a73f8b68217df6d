use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a group is in its release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum GroupPhase {
    /// Not begun yet.
    Waiting,
    /// Not begun, and it will not begin unless somebody intervenes: something it depends on failed, or the release
    /// stopped or goes back.
    Held,
    /// Its rollout runs.
    Running,
    /// Every instance runs the target.
    Done,
    /// Its rollout failed and stands where it was.
    Failed,
    /// It goes back to what it ran before the release.
    Returning,
    /// It runs what it ran before the release: its own rollout turned back, or the release did.
    RolledBack,
    /// Its way back failed and stands where it was; a rollback is never rolled back.
    Stranded,
}

impl GroupPhase {
    /// Whether something of the release is in this group, so that what it depends on must not go back yet.
    pub(super) const fn is_up(self) -> bool {
        match self {
            Self::Running | Self::Done | Self::Failed | Self::Returning | Self::Stranded => true,
            Self::Waiting | Self::Held | Self::RolledBack => false,
        }
    }

    /// Whether the group has something to go back from, and has not begun to.
    pub(super) const fn can_return(self) -> bool {
        match self {
            Self::Running | Self::Done | Self::Failed => true,
            Self::Waiting | Self::Held | Self::Returning | Self::RolledBack | Self::Stranded => false,
        }
    }
}

impl fmt::Display for GroupPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Waiting => "waiting",
            Self::Held => "held",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Returning => "returning",
            Self::RolledBack => "rolled back",
            Self::Stranded => "stranded",
        })
    }
}

/// How many groups are in each phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PhaseCounts {
    /// [`GroupPhase::Waiting`].
    pub waiting: usize,
    /// [`GroupPhase::Held`].
    pub held: usize,
    /// [`GroupPhase::Running`].
    pub running: usize,
    /// [`GroupPhase::Done`].
    pub done: usize,
    /// [`GroupPhase::Failed`].
    pub failed: usize,
    /// [`GroupPhase::Returning`].
    pub returning: usize,
    /// [`GroupPhase::RolledBack`].
    pub rolled_back: usize,
    /// [`GroupPhase::Stranded`].
    pub stranded: usize,
}

impl PhaseCounts {
    pub(super) const fn of_mut(&mut self, phase: GroupPhase) -> &mut usize {
        match phase {
            GroupPhase::Waiting => &mut self.waiting,
            GroupPhase::Held => &mut self.held,
            GroupPhase::Running => &mut self.running,
            GroupPhase::Done => &mut self.done,
            GroupPhase::Failed => &mut self.failed,
            GroupPhase::Returning => &mut self.returning,
            GroupPhase::RolledBack => &mut self.rolled_back,
            GroupPhase::Stranded => &mut self.stranded,
        }
    }
}

impl fmt::Display for PhaseCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { waiting, held, running, done, failed, returning, rolled_back, stranded } = *self;
        let total = waiting + held + running + done + failed + returning + rolled_back + stranded;
        write!(f, "{done}/{total} done")?;
        for (count, what) in [
            (running, "running"),
            (waiting, "waiting"),
            (held, "held"),
            (failed, "failed"),
            (returning, "returning"),
            (rolled_back, "rolled back"),
            (stranded, "stranded"),
        ] {
            if count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        Ok(())
    }
}
