use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::id::Slot;
use crate::plan::Seat;
use crate::time::Timestamp;

/// What time alone will change, in order of time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Timers {
    members: BTreeSet<(Timestamp, Seat)>,
    slots: BTreeSet<(Timestamp, Slot)>,
}

impl Timers {
    pub(super) fn set(&mut self, at: Timestamp, seat: Seat) {
        self.members.insert((at, seat));
    }

    pub(super) fn clear(&mut self, at: Timestamp, seat: Seat) {
        self.members.remove(&(at, seat));
    }

    pub(super) fn clear_members(&mut self) {
        self.members.clear();
    }

    pub(super) fn rest(&mut self, until: Timestamp, slot: Slot) {
        self.slots.insert((until, slot));
    }

    pub(super) fn rested(&mut self, slot: Slot) {
        self.slots.retain(|(_, resting)| *resting != slot);
    }

    pub(super) fn clear_slots(&mut self) -> Vec<Slot> {
        std::mem::take(&mut self.slots).into_iter().map(|(_, slot)| slot).collect()
    }

    /// Until when a slot rests.
    pub(super) fn rests_until(&self, slot: Slot) -> Option<Timestamp> {
        self.slots.iter().find(|(_, resting)| *resting == slot).map(|(until, _)| *until)
    }

    pub(super) fn due_members(&self, now: Timestamp) -> impl Iterator<Item = Seat> {
        self.members.iter().take_while(move |(at, _)| *at <= now).map(|(_, seat)| *seat)
    }

    pub(super) fn due_slots(&self, now: Timestamp) -> impl Iterator<Item = Slot> {
        self.slots.iter().take_while(move |(at, _)| *at <= now).map(|(_, slot)| *slot)
    }

    /// The first that is later than `now`.
    pub(super) fn next(&self, now: Timestamp) -> Option<Timestamp> {
        let after = (now, Seat::new(u32::MAX, u32::MAX));
        let member = self.members.range(after..).map(|(at, _)| *at).find(|at| *at > now);
        let slot = self.slots.range((now, Slot(u32::MAX))..).map(|(at, _)| *at).find(|at| *at > now);
        member.into_iter().chain(slot).min()
    }
}
