//! Which slot is launched next and which instance goes first, where the numbers allow several.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::{Condition, Member, RolloutState};
use crate::digest::Digest;
use crate::id::Slot;

/// The slots that lack a live member of an image: first those in which nothing lives at all, then in order of their
/// numbers, which alternate between the zones.
pub(super) fn vacancies(state: &RolloutState, image: Digest) -> impl Iterator<Item = Slot> {
    let mut taken = BTreeSet::new();
    let mut occupied = BTreeSet::new();
    for member in state.members.values().filter(|member| member.is_live() && !member.is_broken()) {
        occupied.insert(member.seat.slot);
        if member.image == image {
            taken.insert(member.seat.slot);
        }
    }
    let mut slots: Vec<Slot> =
        (0..state.spec.budget.desired).map(Slot).filter(|slot| !taken.contains(slot)).collect();
    slots.sort_by_key(|slot| (occupied.contains(slot), *slot));
    slots.into_iter()
}

/// Members that may be retired without a thought for capacity: they have never served.
pub(super) fn unproven(members: &[&Member]) -> Vec<crate::plan::Seat> {
    members
        .iter()
        .filter(|member| {
            !member.in_service
                && member.instance.is_some()
                && matches!(
                    member.condition,
                    Condition::Launching | Condition::Ready { .. } | Condition::Suspect { .. }
                )
        })
        .map(|member| member.seat)
        .collect()
}

/// The order in which serving members leave: first those that are not available, then surplus ones, those whose slot
/// already has an available successor, the oldest; ties by seed.
pub(super) fn leaving_order<'a>(state: &RolloutState, members: &[&'a Member]) -> Vec<&'a Member> {
    let wanted = state.wanted();
    let succeeded: BTreeSet<Slot> = state
        .members
        .values()
        .filter(|member| member.image == wanted && member.is_available())
        .map(|member| member.seat.slot)
        .collect();
    let seed = state.spec.seed.child("leaving order");
    let mut order: Vec<&Member> = members.iter().copied().filter(|member| member.in_service).collect();
    order.sort_by_key(|member| {
        (
            member.is_available(),
            Reverse(member.seat.slot.0 >= state.spec.budget.desired),
            Reverse(member.image != wanted && succeeded.contains(&member.seat.slot)),
            member.launched_at,
            seed.rank_number(member.seat.slot.0.into()),
        )
    });
    order
}
