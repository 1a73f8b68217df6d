use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    Group, GroupPhase, OnGroupFailure, PhaseCounts, ReleaseError, ReleaseGraph, ReleaseSpec, Service,
};
use crate::id::{FleetId, ServiceName};

/// Where each group of a release is, and which may move.
///
/// A fold of [`ReleaseEvent`](super::ReleaseEvent)s: kept in a journal, they give the same state again. Every group and
/// every barrier counts what it still waits for, so an event costs what it sets free, and a whole release costs time
/// linear in its groups, barriers and edges, but for a logarithm that keeps the ready groups in order. A
/// [`Retry`](super::ReleaseEvent::Retry) costs what depends on the group.
///
/// ```
/// use immutable_core::release::{Barrier, Group, GroupOutcome, GroupPhase, Release, ReleaseEvent, ReleaseSpec};
/// use immutable_core::{BarrierName, FleetId};
///
/// let (db, web) = (FleetId::new("db").unwrap(), FleetId::new("web").unwrap());
/// let data = BarrierName::new("data").unwrap();
/// let spec = ReleaseSpec::new()
///     .barrier(Barrier::new(data.clone()))
///     .group(Group::new(web.clone()).after(data.clone()))
///     .group(Group::new(db.clone()).before(data));
/// let mut release = Release::open(&spec).unwrap();
/// assert_eq!(release.ready().next(), Some(&db));
/// assert_eq!(
///     release.waiting(&web).unwrap().unwrap().to_string(),
///     "barrier `data`, which waits for `db`"
/// );
///
/// release.apply(&ReleaseEvent::Begin { group: db.clone() }).unwrap();
/// release.apply(&ReleaseEvent::End { group: db, outcome: GroupOutcome::Done }).unwrap();
/// assert_eq!(release.ready().next(), Some(&web));
/// assert_eq!(release.phase(&web), Ok(GroupPhase::Waiting));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    pub(super) graph: Arc<ReleaseGraph>,
    pub(super) services: Vec<Service>,
    /// The service of each group, as a number into `services`.
    pub(super) service_of: Vec<Option<usize>>,
    pub(super) on_failure: OnGroupFailure,
    pub(super) max_running: Option<NonZeroU32>,
    pub(super) max_returning: Option<NonZeroU32>,
    pub(super) heading: Heading,
    /// Of every group; never [`GroupPhase::Held`], which follows from the rest.
    pub(super) phases: Vec<GroupPhase>,
    /// How many groups are in each phase, as above.
    pub(super) counts: PhaseCounts,
    /// Of every node: how many directly before it are not done or passed.
    pub(super) pending: Vec<usize>,
    /// Of every node, on the way forward: how many directly before it failed, or wait for something that did.
    pub(super) broken: Vec<usize>,
    /// Waiting groups that wait for something that failed, on the way forward.
    pub(super) held: usize,
    /// Of every node, on the way back: how many directly after it have not gone back. Empty before.
    pub(super) above: Vec<usize>,
    /// Waiting groups whose barriers are all passed.
    pub(super) free: BTreeSet<usize>,
    /// On the way back: groups that are to go back, with nothing left that depends on them.
    pub(super) returnable: BTreeSet<usize>,
    /// Groups that failed on the way forward and were not begun anew; the first one stopped the release.
    pub(super) failed: BTreeSet<usize>,
}

/// Which way a release goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Heading {
    /// To the targets.
    Forward,
    /// Back to what ran before.
    Back,
}

/// How a release ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ReleaseOutcome {
    /// Every group is done.
    Done,
    /// Every group runs what it ran before.
    RolledBack,
    /// Nothing moves any more, and neither is true: somebody must look at what failed.
    Stopped,
}

impl Release {
    /// The release before its first event.
    ///
    /// # Errors
    /// [`ReleaseError`] names what contradicts itself.
    pub fn open(spec: &ReleaseSpec) -> Result<Self, ReleaseError> {
        let graph = spec.graph()?;
        let groups = graph.groups.len();
        let nodes = graph.nodes();
        let services: BTreeMap<&ServiceName, usize> =
            spec.services.iter().enumerate().map(|(index, service)| (&service.name, index)).collect();
        let service_of = |group: &Group| services.get(group.service.as_ref()?).copied();
        let mut release = Self {
            services: spec.services.clone(),
            service_of: spec.groups.iter().map(service_of).collect(),
            on_failure: spec.on_failure,
            max_running: spec.max_running,
            max_returning: spec.max_returning,
            heading: Heading::Forward,
            phases: vec![GroupPhase::Waiting; groups],
            counts: PhaseCounts { waiting: groups, ..PhaseCounts::default() },
            pending: (0..nodes).map(|node| graph.before(node).len()).collect(),
            broken: vec![0; nodes],
            held: 0,
            above: Vec::new(),
            free: BTreeSet::new(),
            returnable: BTreeSet::new(),
            failed: BTreeSet::new(),
            graph: Arc::new(graph),
        };
        release.free = (0..groups).filter(|group| release.pending[*group] == 0).collect();
        let passed: Vec<usize> = (groups..nodes).filter(|barrier| release.pending[*barrier] == 0).collect();
        for barrier in passed {
            release.pass(barrier);
        }
        Ok(release)
    }

    /// The order between its groups.
    #[must_use]
    pub fn graph(&self) -> &ReleaseGraph {
        &self.graph
    }

    /// Which way it goes.
    #[must_use]
    pub const fn heading(&self) -> Heading {
        self.heading
    }

    /// Where a group is.
    ///
    /// # Errors
    /// [`IllegalReleaseEvent::UnknownGroup`](super::IllegalReleaseEvent::UnknownGroup).
    pub fn phase(&self, group: &FleetId) -> Result<GroupPhase, super::IllegalReleaseEvent> {
        self.graph.find(group).map(|index| self.phase_at(index))
    }

    /// The service of a group whose traffic is guarded, as its number among the declared ones.
    #[must_use]
    pub fn service_of(&self, group: &FleetId) -> Option<usize> {
        self.service_of[self.graph.find(group).ok()?]
    }

    /// The groups of services whose traffic is guarded, in the order in which they were declared.
    pub fn guarded(&self) -> impl Iterator<Item = &FleetId> {
        let guarded = self.graph.groups.iter().zip(&self.service_of);
        guarded.filter(|(_, service)| service.is_some()).map(|(group, _)| group)
    }

    /// How many groups are in each phase.
    #[must_use]
    pub fn counts(&self) -> PhaseCounts {
        let held = if self.begins_no_more() { self.counts.waiting } else { self.held };
        PhaseCounts { held, waiting: self.counts.waiting - held, ..self.counts }
    }

    /// The groups that may begin now, in the order in which they were declared: every barrier they come after is passed,
    /// and with those that run they are at most `max_running`. Nothing on the way back and after a failure that stops the
    /// release.
    pub fn ready(&self) -> impl Iterator<Item = &FleetId> {
        self.candidates().take(self.slots()).map(|group| &self.graph.groups[group])
    }

    /// The groups that are to go back now, those declared last first: nothing of the release is left in any group that
    /// depends on them, and with those on their way back they are at most `max_returning`. Nothing on the way forward.
    pub fn turning_back(&self) -> impl Iterator<Item = &FleetId> {
        self.returnees().take(self.return_slots()).map(|group| &self.graph.groups[group])
    }

    /// How the release ended; `None` while groups run, are to begin or are to go back.
    ///
    /// A stopped release goes on when a group is retried, and one that ended on the way forward can still be rolled back.
    #[must_use]
    pub fn outcome(&self) -> Option<ReleaseOutcome> {
        let PhaseCounts { running, returning, done, stranded, .. } = self.counts;
        let moves =
            running + returning > 0 || self.candidates().next().is_some() || !self.returnable.is_empty();
        match self.heading {
            _ if moves => None,
            Heading::Forward if done == self.phases.len() => Some(ReleaseOutcome::Done),
            Heading::Back if done + stranded == 0 => Some(ReleaseOutcome::RolledBack),
            Heading::Forward | Heading::Back => Some(ReleaseOutcome::Stopped),
        }
    }

    pub(super) fn phase_at(&self, group: usize) -> GroupPhase {
        let phase = self.phases[group];
        let is_held = self.broken[group] > 0 || self.begins_no_more();
        if phase == GroupPhase::Waiting && is_held { GroupPhase::Held } else { phase }
    }

    /// Whether no further group begins, whatever its barriers say.
    pub(super) fn begins_no_more(&self) -> bool {
        match (self.heading, self.on_failure) {
            (Heading::Back, _) => true,
            (Heading::Forward, OnGroupFailure::Stop | OnGroupFailure::Rollback) => !self.failed.is_empty(),
            (Heading::Forward, OnGroupFailure::Continue) => false,
        }
    }

    /// The groups that their barriers and the policy let begin, whatever runs beside them.
    pub(super) fn candidates(&self) -> impl Iterator<Item = usize> {
        let open = if self.begins_no_more() { 0 } else { usize::MAX };
        self.free.iter().copied().take(open)
    }

    /// The groups that what depends on them lets go back, whatever goes back beside them.
    pub(super) fn returnees(&self) -> impl Iterator<Item = usize> {
        self.returnable.iter().rev().copied()
    }

    /// How many more groups may run.
    pub(super) fn slots(&self) -> usize {
        left(self.max_running, self.counts.running)
    }

    /// How many more groups may be on their way back.
    pub(super) fn return_slots(&self) -> usize {
        left(self.max_returning, self.counts.returning)
    }
}

fn left(max: Option<NonZeroU32>, taken: usize) -> usize {
    max.map_or(usize::MAX, |max| (max.get() as usize).saturating_sub(taken))
}
