use std::collections::{BTreeMap, BTreeSet};

use super::{ReleaseControl, ReleaseRecord, Subject};
use crate::digest::Digest;
use crate::id::{FleetId, RolloutId, WriterId};
use crate::planner::{Conclusion, IllegalTransition};
use crate::release::{
    GroupOutcome, GroupPhase, PinnedRollout, Release, ReleaseEvent, ReleaseOutcome, ReleaseSpec, way_back,
};
use crate::time::{Skew, Timestamp};

/// What the journal of a release says: where its groups are, by which rollouts, and what people said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseState {
    spec: ReleaseSpec,
    release: Release,
    rollouts: BTreeMap<FleetId, Rollouts>,
    /// The groups that run or go back.
    under_way: BTreeSet<FleetId>,
    /// Every journal that belongs to the release.
    names: BTreeSet<RolloutId>,
    paused: bool,
    was_resumed: bool,
    aborted: bool,
}

/// The rollouts of one group.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rollouts {
    /// By which it began at first; it tells what ran before.
    first: PinnedRollout,
    /// By which it was begun anew.
    again: Option<PinnedRollout>,
    /// By which somebody began its way back anew.
    back: Option<PinnedRollout>,
}

/// What is to be done next for a group that runs or goes back.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Leg<'s> {
    /// Run this rollout to its end; on the way back of the group, told to go back.
    Run(&'s PinnedRollout),
    /// It is over and the group shall go back: plan and run a rollout of this name to this image.
    Return {
        /// The rollout that is over.
        from: &'s PinnedRollout,
        /// The name of the new one.
        rollout: RolloutId,
        /// The image that ran before the release.
        image: Digest,
    },
    /// Nothing more: the group ended.
    End(GroupOutcome),
}

impl ReleaseState {
    /// What was approved.
    #[must_use]
    pub const fn spec(&self) -> &ReleaseSpec {
        &self.spec
    }

    /// The rollouts that were approved, in order of their fleets' names.
    pub fn first_rollouts(&self) -> impl Iterator<Item = &PinnedRollout> {
        self.rollouts.values().map(|rollouts| &rollouts.first)
    }

    /// Where the groups are.
    #[must_use]
    pub const fn release(&self) -> &Release {
        &self.release
    }

    /// The groups that run or go back, in order of their names.
    pub fn under_way(&self) -> impl Iterator<Item = &FleetId> {
        self.under_way.iter()
    }

    /// The rollout by which a group began, or will: its last one.
    #[must_use]
    pub fn rollout(&self, group: &FleetId) -> Option<&PinnedRollout> {
        let rollouts = self.rollouts.get(group)?;
        Some(rollouts.again.as_ref().unwrap_or(&rollouts.first))
    }

    /// Whether nothing new begins until it is resumed.
    #[must_use]
    pub const fn is_paused(&self) -> bool {
        self.paused
    }

    /// Whether it was resumed after the last pause, so that its groups are not to rest any more.
    #[must_use]
    pub const fn was_resumed(&self) -> bool {
        self.was_resumed
    }

    /// Whether somebody aborted it.
    #[must_use]
    pub const fn is_aborted(&self) -> bool {
        self.aborted
    }

    /// Whether groups may begin or turn back.
    #[must_use]
    pub const fn moves_on(&self) -> bool {
        !self.paused && !self.aborted
    }

    /// How it ended; `None` while groups run, are to begin or are to go back. See [`Release::outcome`]; an aborted one is
    /// over when no group is under way.
    #[must_use]
    pub fn outcome(&self) -> Option<ReleaseOutcome> {
        let outcome = self.release.outcome();
        if self.aborted && self.under_way.is_empty() {
            return outcome.or(Some(ReleaseOutcome::Stopped));
        }
        outcome
    }

    /// What is to be done next for a group, given how those of its rollouts that are over were concluded. `None` for a
    /// group that neither runs nor goes back.
    ///
    /// On its way back a group first ends the rollout that it has, so that nobody can go on with it; even one that was
    /// never begun, because somebody who slept could still begin it. Only where that did not bring it back, a new rollout
    /// does. One whose own way back failed does not try again by itself: a rollback is never rolled back.
    #[must_use]
    pub fn leg<'s, 'c>(
        &'s self,
        group: &FleetId,
        concluded: impl Fn(&RolloutId) -> Option<&'c Conclusion>,
    ) -> Option<Leg<'s>> {
        let phase = self.release.phase(group).ok()?;
        let Rollouts { first, again, back } = self.rollouts.get(group)?;
        let last = again.as_ref().unwrap_or(first);
        let conclusion = concluded(last.rollout());
        match phase {
            GroupPhase::Running => Some(match conclusion {
                Some(conclusion) => Leg::End(GroupOutcome::of(conclusion)),
                None => Leg::Run(last),
            }),
            GroupPhase::Returning => {
                let Some(conclusion) = conclusion else { return Some(Leg::Run(last)) };
                let returned = |conclusion: &Conclusion| match conclusion {
                    Conclusion::Completed => GroupOutcome::RolledBack,
                    Conclusion::RolledBack { .. } | Conclusion::Failed { .. } | Conclusion::Aborted => {
                        GroupOutcome::Failed
                    }
                };
                if let Some(back) = back {
                    return Some(match concluded(back.rollout()) {
                        Some(conclusion) => Leg::End(returned(conclusion)),
                        None => Leg::Run(back),
                    });
                }
                Some(match conclusion {
                    Conclusion::RolledBack { .. } => Leg::End(GroupOutcome::RolledBack),
                    Conclusion::Failed { rollback: Some(_), .. } => Leg::End(GroupOutcome::Failed),
                    Conclusion::Completed
                    | Conclusion::Failed { rollback: None, .. }
                    | Conclusion::Aborted => match (first.spec.previous, way_back(last.rollout())) {
                        (Some(image), Some(rollout)) => match concluded(&rollout) {
                            Some(conclusion) => Leg::End(returned(conclusion)),
                            None => Leg::Return { from: last, rollout, image },
                        },
                        _ => Leg::End(first.without_previous()),
                    },
                })
            }
            GroupPhase::Waiting
            | GroupPhase::Held
            | GroupPhase::Done
            | GroupPhase::Failed
            | GroupPhase::RolledBack
            | GroupPhase::Stranded => None,
        }
    }

    fn apply(&mut self, event: &ReleaseEvent) -> Result<(), IllegalTransition> {
        self.release.apply(event).map_err(|illegal| IllegalTransition::new(illegal.to_string()))?;
        match event {
            ReleaseEvent::Begin { group }
            | ReleaseEvent::TurnBack { group }
            | ReleaseEvent::Retry { group } => {
                self.under_way.insert(group.clone());
            }
            ReleaseEvent::End { group, .. } => {
                self.under_way.remove(group);
            }
            ReleaseEvent::RollBack => {}
        }
        Ok(())
    }

    fn say(&mut self, control: &ReleaseControl) {
        match control {
            ReleaseControl::Pause => (self.paused, self.was_resumed) = (true, false),
            ReleaseControl::Resume => {
                self.was_resumed |= self.paused;
                self.paused = false;
            }
            ReleaseControl::Abort => self.aborted = true,
            ReleaseControl::Rollback => {
                self.aborted = false;
                // It may go back already.
                let _ = self.apply(&ReleaseEvent::RollBack);
            }
            ReleaseControl::Retry { rollout } => self.retry(rollout),
        }
    }

    fn retry(&mut self, rollout: &PinnedRollout) {
        let group = rollout.fleet().clone();
        let Ok(phase) = self.release.phase(&group) else { return };
        let names = std::iter::once(rollout.rollout().clone()).chain(way_back(rollout.rollout()));
        let names: Vec<RolloutId> = names.collect();
        if self.aborted || names.len() < 2 || names.iter().any(|name| self.names.contains(name)) {
            return;
        }
        if self.apply(&ReleaseEvent::Retry { group: group.clone() }).is_err() {
            return;
        }
        self.names.extend(names);
        if let Some(rollouts) = self.rollouts.get_mut(&group) {
            let place = match phase {
                GroupPhase::Stranded => &mut rollouts.back,
                _ => &mut rollouts.again,
            };
            *place = Some(rollout.clone());
        }
    }
}

impl PinnedRollout {
    /// What a group that knows no previous image is after a way back: what replaced instances of the same image has changed
    /// nothing that could be taken back; a first deployment cannot be taken back.
    fn without_previous(&self) -> GroupOutcome {
        let is_same = self.initial.iter().all(|adopted| adopted.instance.image == self.spec.target);
        if is_same && !self.initial.is_empty() { GroupOutcome::RolledBack } else { GroupOutcome::Failed }
    }
}

impl Subject for ReleaseState {
    type Record = ReleaseRecord;

    const TIMED: bool = false;

    fn claiming(writer: WriterId, epoch: u64) -> ReleaseRecord {
        ReleaseRecord::Claim { writer, epoch }
    }

    fn claim(record: &ReleaseRecord) -> Option<(&WriterId, u64)> {
        match record {
            ReleaseRecord::Claim { writer, epoch } => Some((writer, *epoch)),
            _ => None,
        }
    }

    fn open(
        id: &RolloutId,
        record: &ReleaseRecord,
        _at: Timestamp,
    ) -> Result<(Self, Digest), IllegalTransition> {
        let ReleaseRecord::Open { release, spec, rollouts: pinned, plan } = record else {
            return Err(IllegalTransition::new("the release is not opened yet"));
        };
        if release != id {
            return Err(IllegalTransition::new(format!("it opens release {release}")));
        }
        let release = Release::open(spec).map_err(|error| IllegalTransition::new(error.to_string()))?;
        if !pinned.iter().map(PinnedRollout::fleet).eq(release.graph().groups()) {
            return Err(IllegalTransition::new("its rollouts are not those of its groups"));
        }
        let mut names = BTreeSet::from([id.clone()]);
        let mut rollouts = BTreeMap::new();
        for first in pinned {
            let new = |name: Option<RolloutId>| name.is_some_and(|name| names.insert(name));
            if ![Some(first.rollout().clone()), way_back(first.rollout())].into_iter().all(new) {
                return Err(IllegalTransition::new(format!(
                    "rollout {} has no name of its own",
                    first.rollout()
                )));
            }
            let group = Rollouts { first: first.clone(), again: None, back: None };
            rollouts.insert(first.fleet().clone(), group);
        }
        let state = Self {
            spec: (**spec).clone(),
            release,
            rollouts,
            under_way: BTreeSet::new(),
            names,
            paused: false,
            was_resumed: false,
            aborted: false,
        };
        Ok((state, *plan))
    }

    fn takes_up(_record: &ReleaseRecord) -> bool {
        false
    }

    /// No release waits for a time.
    fn run_by(&mut self, _skew: Skew) {}

    fn take(&mut self, record: &ReleaseRecord, _at: Timestamp) -> Result<(), IllegalTransition> {
        match record {
            ReleaseRecord::Open { .. } => Err(IllegalTransition::new("the release is opened twice")),
            // Handled by the caller.
            ReleaseRecord::Claim { .. } => Ok(()),
            ReleaseRecord::Event(ReleaseEvent::Retry { .. } | ReleaseEvent::RollBack) => {
                Err(IllegalTransition::new("only a person says this, as a control"))
            }
            ReleaseRecord::Event(event) => self.apply(event),
            ReleaseRecord::Control(control) => {
                self.say(control);
                Ok(())
            }
        }
    }
}
