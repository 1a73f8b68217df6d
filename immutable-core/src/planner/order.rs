//! The order in which the slots of a fleet are worked off, found once at the beginning.

use super::radix::sorted;
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

impl Need {
    /// The beginning of it as a number: where it differs, it says which need is less.
    fn beginning(&self, by_tie: bool) -> u64 {
        // There are fewer than eight reasons.
        (self.reason as u64) << 61 | if by_tie { self.tie >> 3 } else { self.since.ordinal() }
    }
}

pub(super) fn order(spec: &RolloutSpec, initial: &[Adopted]) -> Order {
    let desired = spec.budget.desired;
    let zones = u32::try_from(spec.zones.len()).unwrap_or(u32::MAX).max(1);
    let mut occupants: Vec<Option<&Adopted>> = vec![None; desired as usize];
    for adopted in initial {
        if let Some(occupant) = occupants.get_mut(adopted.seat.slot.0 as usize) {
            *occupant = Some(adopted);
        }
    }
    let ties = spec.seed.child("slot order");
    let hash = Seed::new(0).child(spec.fleet.as_str());
    let need = |slot: u32, occupant: Option<&Adopted>| {
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
        Need { reason: urgent.unwrap_or(Reason::OtherImage), since, tie }
    };
    let by_tie = matches!(spec.order, SlotOrder::Hashed | SlotOrder::Descending);
    let needed = |slot: u32| need(slot, occupants[slot as usize]);
    let slots = (0..desired).map(|slot| (needed(slot).beginning(by_tie), slot)).collect();
    let slots = sorted(slots, |a, b| (needed(a), a).cmp(&(needed(b), b)));

    let mut by_zone: Vec<Vec<u32>> =
        vec![Vec::with_capacity(slots.len() / zones as usize + 1); zones as usize];
    for (_, slot) in &slots {
        by_zone[(slot % zones) as usize].push(*slot);
    }
    let mut order: Vec<u32> = if spec.order == SlotOrder::ZoneByZone || spec.limits.one_zone_at_a_time {
        by_zone.concat()
    } else if spec.order == SlotOrder::Descending {
        slots.iter().map(|(_, slot)| *slot).collect()
    } else {
        // In turn from every zone: first the first of each zone, then the second of each, and so on.
        let turns = by_zone.iter().map(Vec::len).max().unwrap_or(0);
        let turn = |turn| by_zone.iter().filter_map(move |zone| zone.get(turn).copied());
        (0..turns).flat_map(turn).collect()
    };
    let is_leader =
        |slot: u32| occupants[slot as usize].is_some_and(|adopted| adopted.instance.standing.leader);
    let has_leaders =
        !seeded!(LeaderFirst) && occupants.iter().flatten().any(|adopted| adopted.instance.standing.leader);
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
