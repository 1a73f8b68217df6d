//! The order in which the slots of a fleet are worked off, found once at the beginning.

use std::collections::BTreeMap;

use crate::plan::{Adopted, RolloutSpec};
use crate::seed::Seed;
use crate::strategy::{Reason, SlotOrder};
use crate::time::Timestamp;

/// The desired slots in order, and the tier of each slot where one must be done before another is begun.
pub(super) struct Order {
    pub(super) slots: Vec<u32>,
    pub(super) tiers: Vec<u32>,
}

/// How soon a slot is to be worked off; less is sooner.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Need {
    /// Drifted, revoked, asked for, in this order, then all others.
    reason: Option<Reason>,
    since: Timestamp,
    tie: u64,
}

pub(super) fn order(spec: &RolloutSpec, initial: &[Adopted]) -> Order {
    let desired = spec.budget.desired;
    let zones = u32::try_from(spec.zones.len()).unwrap_or(u32::MAX).max(1);
    let occupants: BTreeMap<u32, &Adopted> =
        initial.iter().map(|adopted| (adopted.seat.slot.0, adopted)).collect();
    let ties = spec.seed.child("slot order");
    let hash = Seed::new(0).child(spec.fleet.as_str());
    let is_leader = |slot: u32| occupants.get(&slot).is_some_and(|adopted| adopted.instance.standing.leader);
    let need = |slot: u32| {
        let occupant = occupants.get(&slot);
        let urgent =
            occupant.and_then(|adopted| adopted.reason).filter(|reason| *reason <= Reason::Requested);
        let (since, tie) = match spec.order {
            SlotOrder::Hashed => (Timestamp::UNIX_EPOCH, hash.rank_number(slot.into())),
            SlotOrder::Descending => (Timestamp::UNIX_EPOCH, u64::from(u32::MAX - slot)),
            SlotOrder::Oldest | SlotOrder::ZoneByZone => {
                let since = occupant.map_or(Timestamp::UNIX_EPOCH, |adopted| adopted.instance.launched_at);
                (since, ties.rank_number(slot.into()))
            }
        };
        let reason = urgent.or(Some(Reason::OtherImage));
        Need { reason, since, tie }
    };

    let mut slots: Vec<(u32, Need)> = (0..desired).map(|slot| (slot, need(slot))).collect();
    slots.sort_by_key(|(_, need)| *need);
    // In turn from every zone: first the first of each zone, then the second of each, and so on.
    let by_zone = spec.order == SlotOrder::ZoneByZone || spec.limits.one_zone_at_a_time;
    let mut met = vec![0_u32; zones as usize];
    let mut order: Vec<(bool, u32, u32, u32)> = Vec::with_capacity(slots.len());
    for (number, (slot, _)) in (0_u32..).zip(slots) {
        let zone = slot % zones;
        let turn = &mut met[zone as usize];
        let (major, minor) = match (by_zone, spec.order) {
            (true, _) => (zone, number),
            (false, SlotOrder::Descending) => (number, 0),
            (false, _) => (*turn, zone),
        };
        *turn += 1;
        order.push((is_leader(slot), major, minor, slot));
    }
    order.sort_unstable();

    let strict = spec.order == SlotOrder::Descending || spec.limits.one_zone_at_a_time;
    let mut tiers = Vec::new();
    if strict || order.iter().any(|(leader, ..)| *leader) {
        tiers = vec![0; order.len()];
        for (rank, (leader, major, _, slot)) in (0_u32..).zip(&order) {
            tiers[*slot as usize] = match (spec.order == SlotOrder::Descending, *leader) {
                (true, _) => rank,
                (false, true) => u32::MAX,
                (false, false) if spec.limits.one_zone_at_a_time => *major,
                (false, false) => 0,
            };
        }
    }
    Order { slots: order.into_iter().map(|(.., slot)| slot).collect(), tiers }
}
