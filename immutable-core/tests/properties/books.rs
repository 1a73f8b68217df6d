//! What there is, counted from what was recorded and from nothing else.

use std::collections::{BTreeMap, BTreeSet};

use immutable_core::gate::Verdict;
use immutable_core::limits::Limits;
use immutable_core::plan::{RolloutSpec, Seat};
use immutable_core::strategy::{Reason, SlotOrder, Stage};
use immutable_core::{Digest, GateName, Quantity, Slot, Timestamp, Zone};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stand {
    Intended,
    Starting,
    Ready,
    Available,
    Suspect,
    Broken,
    Leaving,
}

#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) image: Digest,
    pub(crate) zone: Zone,
    pub(crate) stand: Stand,
    /// Why it is to be replaced; `None`: it stays.
    pub(crate) reason: Option<Reason>,
    /// An old one that the rollout launched.
    pub(crate) fresh: bool,
    pub(crate) apart: bool,
    /// The rollout is done without it while it is set apart.
    pub(crate) skipped: bool,
    /// Somebody took it out of service.
    pub(crate) standby: bool,
    /// It was found beyond the desired slots.
    pub(crate) spare: bool,
    /// It runs a target that another one took the place of.
    pub(crate) former: bool,
    /// It has served.
    pub(crate) served: bool,
    /// The platform picks the victim, and this one was not available when it was told to leave.
    pub(crate) charged: bool,
}

impl Entry {
    pub(crate) fn lives(&self) -> bool {
        !matches!(self.stand, Stand::Broken | Stand::Leaving)
    }

    pub(crate) fn serves(&self) -> bool {
        self.stand == Stand::Available && !self.standby
    }

    pub(crate) fn is_old(&self) -> bool {
        (self.reason.is_some() || self.spare) && !self.skipped
    }

    pub(crate) fn is_urgent(&self) -> bool {
        (self.is_asked() || self.spare || self.former) && !self.skipped
    }

    /// The rollout is done without it, and it serves nobody.
    pub(crate) fn is_left_idle(&self) -> bool {
        self.lives() && self.skipped && !self.serves()
    }

    /// It never served, or does not any more.
    pub(crate) fn is_of_no_use(&self) -> bool {
        let came_up = self.served || self.stand == Stand::Available;
        self.stand == Stand::Broken || !came_up && !matches!(self.stand, Stand::Intended | Stand::Leaving)
    }

    pub(crate) fn is_asked(&self) -> bool {
        matches!(self.reason, Some(Reason::Drifted | Reason::Revoked | Reason::Requested))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Run {
    On,
    Paused,
    Ending,
}

#[derive(Clone, Debug)]
pub(crate) struct Books {
    pub(crate) spec: RolloutSpec,
    pub(crate) entries: BTreeMap<Seat, Entry>,
    pub(crate) desired: u32,
    pub(crate) limits: Limits,
    pub(crate) target: Digest,
    pub(crate) previous: Option<Digest>,
    pub(crate) back: bool,
    /// It heads for an image that served before, by one stage.
    pub(crate) straight: bool,
    pub(crate) run: Run,
    pub(crate) begun: bool,
    pub(crate) open: bool,
    pub(crate) number: usize,
    pub(crate) stage: Stage,
    /// Hundredths of the traffic that the new group gets.
    pub(crate) share: Option<u8>,
    pub(crate) revoked: BTreeSet<Digest>,
    pub(crate) seats: BTreeSet<Seat>,
    pub(crate) launches: Vec<Timestamp>,
    /// How often instances failed in a slot, and until when it rests.
    pub(crate) strikes: BTreeMap<Slot, (u32, Timestamp)>,
    pub(crate) leaders: BTreeSet<u32>,
    pub(crate) marked: BTreeMap<u32, Reason>,
    pub(crate) volumes: BTreeSet<Slot>,
    pub(crate) approvals: BTreeSet<GateName>,
    pub(crate) verdicts: BTreeMap<GateName, Verdict>,
    pub(crate) complete_since: Option<Timestamp>,
}

pub(crate) fn up(quantity: Quantity, of: u32) -> u32 {
    match quantity {
        Quantity::Count(count) => count,
        Quantity::Percent(percent) => (percent * of).div_ceil(100),
    }
}

pub(crate) fn down(quantity: Quantity, of: u32) -> u32 {
    match quantity {
        Quantity::Count(count) => count,
        Quantity::Percent(percent) => percent * of / 100,
    }
}

impl Books {
    pub(crate) fn wanted(&self) -> Digest {
        if self.back { self.previous.unwrap() } else { self.target }
    }

    pub(crate) fn way_back(&self) -> Option<Digest> {
        self.previous.filter(|image| *image != self.target && !self.revoked.contains(image))
    }

    /// How many match.
    pub(crate) fn count(&self, is: impl Fn(&Entry) -> bool) -> u32 {
        self.entries.values().filter(|entry| is(entry)).count() as u32
    }

    pub(crate) fn in_slot(&self, slot: Slot) -> impl Iterator<Item = &Entry> {
        self.entries
            .range(Seat { slot, attempt: immutable_core::Attempt(0) }..)
            .map_while(move |(seat, entry)| (seat.slot == slot).then_some(entry))
    }

    /// Those that serve for certain, in a zone or everywhere.
    pub(crate) fn certain(&self, zone: Option<&Zone>) -> u32 {
        let here = |entry: &Entry| zone.is_none_or(|zone| entry.zone == *zone);
        let serving = self.count(|entry| entry.serves() && here(entry));
        let charged = self.count(|entry| entry.stand == Stand::Leaving && entry.charged && here(entry));
        serving.saturating_sub(charged)
    }

    fn surge_and_missing(&self) -> (u32, u32) {
        let (surge, missing) = match (&self.limits.rollback, self.back) {
            (Some(rollback), true) => (rollback.max_surge, rollback.max_unavailable),
            _ => (self.limits.max_surge, self.limits.max_unavailable),
        };
        (up(surge, self.desired), down(missing, self.desired).min(self.desired))
    }

    pub(crate) fn missing(&self) -> u32 {
        self.surge_and_missing().1
    }

    pub(crate) fn most(&self) -> u32 {
        self.desired.saturating_add(self.surge_and_missing().0)
    }

    pub(crate) fn fewest(&self) -> u32 {
        self.desired - self.surge_and_missing().1
    }

    fn slots_in(&self, zone: &Zone) -> u32 {
        (0..self.desired).filter(|slot| self.spec.zone_of(Slot(*slot)) == zone).count() as u32
    }

    /// How many may exist in a zone.
    pub(crate) fn most_in(&self, zone: &Zone) -> u32 {
        let slots = self.slots_in(zone);
        self.limits.max_surge_per_zone.map_or(u32::MAX, |surge| slots + up(surge, slots))
    }

    /// How many must serve in a zone.
    pub(crate) fn fewest_in(&self, zone: &Zone) -> u32 {
        let slots = self.slots_in(zone);
        self.limits.max_unavailable_per_zone.map_or(0, |missing| slots.saturating_sub(down(missing, slots)))
    }

    /// How many of a group must serve to carry its part of the traffic.
    pub(crate) fn carriers(&self, hundredths: u8) -> u32 {
        let needed = (u32::from(hundredths) * self.desired).div_ceil(100);
        if needed == 0 { 0 } else { needed.saturating_sub(self.missing()).max(1) }
    }

    pub(crate) fn baseline(&self) -> u32 {
        if !self.back && self.way_back().is_some() { self.stage.baseline.min(self.kept()) } else { 0 }
    }

    pub(crate) fn kept(&self) -> u32 {
        self.stage.old.min(self.desired)
    }

    pub(crate) fn is_complete(&self) -> bool {
        let new = self.count(|entry| entry.serves() && !entry.is_old());
        let old = self.count(|entry| entry.serves() && entry.is_old());
        let fresh = self.count(|entry| entry.serves() && entry.is_old() && entry.fresh);
        let most = self.desired.max(self.count(|entry| entry.serves() && entry.skipped));
        let idle = self.count(Entry::is_left_idle);
        self.entries.values().all(|entry| entry.serves() || entry.is_left_idle())
            && new + idle >= self.stage.new.min(self.desired)
            && new <= most
            && old <= self.stage.old
            && fresh >= self.baseline().min(old)
            && self.stage.share.is_none_or(|share| self.share == Some(share.hundredths()))
    }

    /// A desired slot has an instance that stays and serves, and none that is to be replaced, unless the stage keeps all.
    fn is_finished(&self, slot: u32, keeps_all: bool) -> bool {
        let serves = self.in_slot(Slot(slot)).any(|entry| entry.serves() && !entry.is_old());
        serves && (keeps_all || !self.in_slot(Slot(slot)).any(|entry| entry.lives() && entry.is_old()))
    }

    /// Whether slots are done in an order, so that each of them gets its own instance.
    pub(crate) fn is_ordered(&self) -> bool {
        let descends = self.spec.order == SlotOrder::Descending;
        // Who leads and is in no slot of the beginning comes before nobody.
        let leads = self.leaders.iter().any(|slot| *slot < self.spec.budget.desired);
        descends || self.spec.limits.one_zone_at_a_time || leads
    }

    /// Slots with a smaller turn must be finished before a slot is begun.
    fn turn(&self, slot: u32) -> (bool, usize, Option<Reason>, u32) {
        let descends = self.spec.order == SlotOrder::Descending;
        let leads = self.leaders.contains(&slot);
        let by_zone = self.spec.limits.one_zone_at_a_time && (descends || !leads);
        let zone = if by_zone { slot as usize % self.spec.zones.len() } else { 0 };
        let number = if descends { u32::MAX - slot } else { 0 };
        let urgent = self.marked.get(&slot).copied().filter(|_| descends).unwrap_or(Reason::OtherImage);
        (leads, zone, Some(urgent), number)
    }

    /// Whether the stage keeps all old ones that there are.
    pub(crate) fn keeps_all(&self) -> bool {
        let kept = if self.stage.passive { u32::MAX } else { self.kept() };
        self.count(|entry| entry.lives() && entry.is_old()) <= kept
    }

    /// A slot that must be finished before this one is begun, or its old instance leaves, and is not.
    pub(crate) fn before(&self, slot: u32, keeps_all: bool) -> Option<u32> {
        // Slots that were added later are begun at any time.
        let ordered = self.spec.budget.desired.min(self.desired);
        if slot >= ordered {
            return None;
        }
        let turn = self.turn(slot);
        (0..ordered).find(|other| self.turn(*other) < turn && !self.is_finished(*other, keeps_all))
    }
}
