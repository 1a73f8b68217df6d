use std::fmt;

use serde::Serialize;

use super::{GroupList, GroupPhase, Heading, IllegalReleaseEvent, Release};
use crate::id::{BarrierName, FleetId, ServiceName};

/// Why a group has not begun, or has not begun to go back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum GroupWaitingOn {
    /// A barrier is not passed.
    Barrier {
        /// Which; the first one of the group's own.
        barrier: BarrierName,
        /// The groups it waits for.
        unfinished: GroupList,
    },
    /// What it depends on failed.
    Dependency {
        /// The groups that failed.
        failed: GroupList,
    },
    /// A failure stopped the release.
    Stopped {
        /// The groups that failed.
        failed: GroupList,
    },
    /// The release goes back, so the group does not begin any more.
    GoingBack,
    /// As many groups as may are under way.
    Slots {
        /// How many that is.
        max: u32,
    },
    /// No instance of its service may leave service now.
    Traffic {
        /// The service.
        service: ServiceName,
    },
    /// On the way back: groups that depend on it must be back first.
    Dependants {
        /// Which.
        unreturned: GroupList,
    },
}

impl fmt::Display for GroupWaitingOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Barrier { barrier, unfinished } => {
                write!(f, "barrier `{barrier}`, which waits for {unfinished}")
            }
            Self::Dependency { failed } => write!(f, "somebody to put right what it depends on: {failed}"),
            Self::Stopped { failed } => write!(f, "somebody to put right what stopped the release: {failed}"),
            Self::GoingBack => f.write_str("nothing: the release goes back"),
            Self::Slots { max } => write!(f, "its turn: no more than {max} may be under way at a time"),
            Self::Traffic { service } => {
                write!(f, "capacity of service `{service}`: no instance may leave service now")
            }
            Self::Dependants { unreturned } => write!(f, "what depends on it to be back: {unreturned}"),
        }
    }
}

impl Release {
    /// Why this group has not begun, or on the way back not begun to go back; `None` when it may, or already has.
    ///
    /// The traffic guard is not looked at: [`Release::admit`] tells whom it refused. Takes time linear in what the group
    /// depends on; [`Release::report`] tells it of all groups at once.
    ///
    /// # Errors
    /// [`IllegalReleaseEvent::UnknownGroup`].
    pub fn waiting(&self, group: &FleetId) -> Result<Option<GroupWaitingOn>, IllegalReleaseEvent> {
        self.graph.find(group).map(|index| self.waiting_at(index))
    }

    pub(super) fn waiting_at(&self, group: usize) -> Option<GroupWaitingOn> {
        let phase = self.phases[group];
        let slots = |max: Option<std::num::NonZeroU32>, left: usize| {
            max.filter(|_| left == 0).map(|max| GroupWaitingOn::Slots { max: max.get() })
        };
        match self.heading {
            Heading::Back if phase == GroupPhase::Waiting => Some(GroupWaitingOn::GoingBack),
            Heading::Back if phase.can_return() && self.above[group] > 0 => {
                Some(GroupWaitingOn::Dependants { unreturned: self.unreturned(group) })
            }
            Heading::Back if phase.can_return() => slots(self.max_returning, self.return_slots()),
            Heading::Forward if phase == GroupPhase::Waiting => {
                if self.begins_no_more() {
                    Some(GroupWaitingOn::Stopped { failed: self.named(self.failed.iter().copied()) })
                } else if self.broken[group] > 0 {
                    Some(GroupWaitingOn::Dependency { failed: self.failed_before(group) })
                } else {
                    self.barrier_of(group).or_else(|| slots(self.max_running, self.slots()))
                }
            }
            Heading::Back | Heading::Forward => None,
        }
    }

    fn barrier_of(&self, group: usize) -> Option<GroupWaitingOn> {
        let node = self.graph.before(group).iter().copied().find(|barrier| self.pending[*barrier] > 0)?;
        let barrier = self.graph.barrier(node)?.clone();
        Some(GroupWaitingOn::Barrier { barrier, unfinished: self.unfinished(node) })
    }

    /// The groups that a barrier waits for, through other barriers too.
    pub(super) fn unfinished(&self, barrier: usize) -> GroupList {
        let is_open = |node: usize| match self.phases.get(node) {
            Some(phase) => *phase != GroupPhase::Done,
            None => self.pending[node] > 0,
        };
        let found = self.walk(
            barrier,
            |node| self.graph.before(node),
            is_open,
            // Through barriers only: what a group waits for itself is told of that group.
            |node| node >= self.phases.len(),
        );
        self.named(found)
    }

    /// The failed groups that a group depends on, however far away.
    fn failed_before(&self, group: usize) -> GroupList {
        let failed = |node: usize| self.failed.contains(&node);
        let found = self.walk(
            group,
            |node| self.graph.before(node),
            |node| failed(node) || self.broken[node] > 0,
            |_| true,
        );
        self.named(found.into_iter().filter(|node| failed(*node)))
    }

    /// The groups directly behind a group's barriers that are not back.
    fn unreturned(&self, group: usize) -> GroupList {
        let is_up = |node: usize| match self.phases.get(node) {
            Some(phase) => phase.is_up(),
            None => self.above[node] > 0,
        };
        let found = self.walk(
            group,
            |node| self.graph.after(node),
            is_up,
            |node| node >= self.phases.len() || node == group,
        );
        self.named(found)
    }

    /// The groups that are reached from a node over neighbours that count, through those that lead on, in the order of
    /// their declaration.
    fn walk<'a>(
        &self,
        from: usize,
        neighbours: impl Fn(usize) -> &'a [usize],
        counts: impl Fn(usize) -> bool,
        leads_on: impl Fn(usize) -> bool,
    ) -> Vec<usize> {
        let mut seen = std::collections::BTreeSet::new();
        let mut open = vec![from];
        while let Some(node) = open.pop() {
            if leads_on(node) {
                open.extend(
                    neighbours(node).iter().copied().filter(|next| counts(*next) && seen.insert(*next)),
                );
            }
        }
        seen.into_iter().take_while(|node| *node < self.phases.len()).collect()
    }

    pub(super) fn named(&self, groups: impl IntoIterator<Item = usize>) -> GroupList {
        GroupList::of(groups.into_iter().map(|group| &self.graph.groups[group]))
    }
}
