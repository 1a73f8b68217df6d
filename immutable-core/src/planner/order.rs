//! The order in which the slots of a fleet are worked off, found once at the beginning.

use super::radix::sort;
use crate::plan::{Adopted, RolloutSpec};
use crate::seed::Seed;
use crate::strategy::{Reason, SlotOrder};
use crate::time::Timestamp;

/// The desired slots in order, and the tier of each slot where one must be done before another is begun.
pub(super) struct Order {
    pub(super) slots: Vec<u32>,
    pub(super) tiers: Vec<u32>,
}

/// How soon a slot is to be worked off; less is sooner: the reason (drifted, revoked, asked for, in this order, then all
/// others), since when, and the tie.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Need {
    reason: Reason,
    since: Timestamp,
    tie: u64,
}

pub(super) fn order(spec: &RolloutSpec, initial: &[Adopted]) -> Order {
    let desired = spec.budget.desired;
    let zones = u32::try_from(spec.zones.len()).unwrap_or(u32::MAX).max(1);
    let ties = spec.seed.child("slot order");
    let hash = Seed::new(0).child(spec.fleet.as_str());
    let by_tie = matches!(spec.order, SlotOrder::Hashed | SlotOrder::Descending);
    let tie = |slot: u32| match spec.order {
        SlotOrder::Hashed => hash.rank_number(slot.into()),
        SlotOrder::Descending => u64::from(u32::MAX - slot),
        SlotOrder::Oldest | SlotOrder::ZoneByZone => ties.rank_number(slot.into()),
    };
    let need = |slot: u32, occupant: Option<&Adopted>| {
        let urgent =
            occupant.and_then(|adopted| adopted.reason).filter(|reason| *reason <= Reason::Requested);
        let since = occupant.filter(|_| !by_tie).map(|adopted| adopted.instance.launched_at);
        let (reason, since) = (urgent.unwrap_or(Reason::OtherImage), since.unwrap_or(Timestamp::UNIX_EPOCH));
        Need { reason, since, tie: tie(slot) }
    };
    // The beginning of a need: where these numbers differ, they say which need is less. There are fewer than eight reasons.
    let key = |slot: u32, occupant: Option<&Adopted>| {
        let Need { reason, since, tie } = need(slot, occupant);
        ((reason as u64) << 61 | if by_tie { tie >> 3 } else { since.ordinal() }, slot)
    };
    let mut occupants: Vec<Option<&Adopted>> = vec![None; desired as usize];
    let mut slots: Vec<(u64, u32)> = (0..desired).map(|slot| key(slot, None)).collect();
    let mut has_leaders = false;
    for adopted in initial {
        let slot = adopted.seat.slot.0;
        if let Some(occupant) = occupants.get_mut(slot as usize) {
            *occupant = Some(adopted);
            slots[slot as usize] = key(slot, Some(adopted));
            has_leaders |= adopted.instance.standing.leader && !seeded!(LeaderFirst);
        }
    }
    let needed = |slot: u32| need(slot, occupants[slot as usize]);
    sort(&mut slots, &|a, b| (needed(a), a).cmp(&(needed(b), b)));

    let zone_by_zone = spec.order == SlotOrder::ZoneByZone || spec.limits.one_zone_at_a_time;
    let mut order: Vec<u32> = if spec.order == SlotOrder::Descending && !zone_by_zone {
        slots.into_iter().map(|(_, slot)| slot).collect()
    } else {
        by_zones(&slots, zones, zone_by_zone)
    };
    let is_leader =
        |slot: u32| occupants[slot as usize].is_some_and(|adopted| adopted.instance.standing.leader);
    if has_leaders {
        // Stable: those of each kind keep their order.
        order.sort_by_key(|slot| is_leader(*slot));
    }

    let mut tiers = Vec::new();
    if has_leaders || spec.order == SlotOrder::Descending || spec.limits.one_zone_at_a_time {
        tiers = vec![0; order.len()];
        for (rank, slot) in (0_u32..).zip(&order) {
            tiers[*slot as usize] = match (spec.order == SlotOrder::Descending, is_leader(*slot)) {
                (true, _) => rank,
                (false, true) => u32::MAX,
                (false, false) if spec.limits.one_zone_at_a_time => slot % zones,
                (false, false) => 0,
            };
        }
    }
    Order { slots: order, tiers }
}

/// The slots zone by zone, or in turn from every zone: first the first of each zone, then the second of each, and so on.
fn by_zones(slots: &[(u64, u32)], zones: u32, one_by_one: bool) -> Vec<u32> {
    // They are the first so many, and slot k belongs to zone k modulo the number of zones.
    let count = u32::try_from(slots.len()).unwrap_or(u32::MAX);
    let (each, more) = (count / zones, count % zones);
    let first = |zone: u32| if one_by_one { zone * each + zone.min(more) } else { zone };
    let step = if one_by_one { 1 } else { zones };
    let mut next: Vec<u32> = (0..zones).map(first).collect();
    let mut order = vec![0; slots.len()];
    for (_, slot) in slots {
        let next = &mut next[(slot % zones) as usize];
        order[*next as usize] = *slot;
        *next += step;
    }
    order
}
