//! Traffic guards over the groups of a release: what may begin now, and which floors hold.

use std::collections::{BTreeMap, BTreeSet};

use super::run::Run;
use crate::id::FleetId;
use crate::journal::{Control, ReleaseState};
use crate::release::{Admission, Capacity, Heading, ReleaseEvent};
use crate::time::Timestamp;

/// What may be done, once it is committed.
#[derive(Debug, Default)]
pub(super) struct Turn {
    /// Groups that begin or turn back.
    pub(super) events: Vec<ReleaseEvent>,
    /// Floors that are to be told.
    pub(super) floors: Vec<(FleetId, u32)>,
}

/// The floor that a running rollout was told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Floor {
    pub(super) said: u32,
    pub(super) at: Timestamp,
}

impl Run<'_> {
    /// What the order and the guards let move now.
    ///
    /// A floor may rise at any time; it falls, and a group begins, only when every group of the service that is under way has
    /// committed a floor that is no lower than the one it has now. Until then one of them may still go below, and what it
    /// takes must not be given away twice.
    pub(super) fn admit(&self, state: &ReleaseState, now: Timestamp) -> Turn {
        let release = state.release();
        let Admission { begin, turn_back, floors, .. } =
            release.admit(|group| self.capacity(state, group).unwrap_or(Capacity::new(0, 0)));
        let mut turn = Turn::default();
        // Of a fleet that nobody has seen yet nobody knows what it can do without.
        let is_known = |group: &FleetId| self.seen.contains_key(group) || self.beat(group).is_some();
        let unknown = release.guarded().filter(|group| !is_known(group));
        let mut blocked: BTreeSet<usize> = unknown.filter_map(|group| release.service_of(group)).collect();
        let mut lower = BTreeMap::new();
        for group in state.under_way() {
            let Some(service) = release.service_of(group) else { continue };
            let (Some(wanted), Some(floor)) = (floors.get(group), self.floors.get(group)) else {
                blocked.insert(service);
                continue;
            };
            let kept = self.beat(group).map(|beat| beat.floor);
            if kept != Some(floor.said) {
                blocked.insert(service);
                // Somebody else may have said another one.
                if kept.is_some() && now >= floor.at + self.controller.options.poll {
                    turn.floors.push((group.clone(), floor.said));
                }
            } else if floor.said < *wanted {
                blocked.insert(service);
                turn.floors.push((group.clone(), *wanted));
            } else if floor.said > *wanted {
                lower.insert(group, (service, *wanted));
            }
        }
        let may =
            |group: &FleetId| release.service_of(group).is_none_or(|service| !blocked.contains(&service));
        for (group, (service, wanted)) in lower {
            if !blocked.contains(&service) {
                turn.floors.push((group.clone(), wanted));
            }
        }
        if state.moves_on() && self.broken.is_none() {
            turn.events = match release.heading() {
                Heading::Forward => {
                    begin.into_iter().filter(may).map(|group| ReleaseEvent::Begin { group }).collect()
                }
                // One that runs has its floor already.
                Heading::Back => turn_back
                    .into_iter()
                    .filter(|group| may(group) || self.running.contains_key(group))
                    .map(|group| ReleaseEvent::TurnBack { group })
                    .collect(),
            };
        }
        turn
    }

    /// What a group has in service. Nothing where nobody knows, so that nobody counts on it.
    fn capacity(&self, state: &ReleaseState, group: &FleetId) -> Option<Capacity> {
        if let Some(beat) = self.beat(group) {
            return Some(Capacity::within(&beat.budget, beat.available));
        }
        let budget = &state.rollout(group)?.spec.budget;
        Some(Capacity::within(budget, self.seen.get(group).map_or(0, |look| look.serving)))
    }

    /// Tells the groups their floors.
    pub(super) fn tell_floors(&mut self, floors: Vec<(FleetId, u32)>, now: Timestamp) {
        for (group, available) in floors {
            self.controller.groups[&group].control.send(Control::Floor { available });
            self.floors.insert(group, Floor { said: available, at: now });
        }
    }
}
