use super::{Cell, Class, Span};
use crate::id::{Attempt, Slot};

/// What the kernel reads of the slots of a fleet, however they are stored: one by one, or as cohorts of which one is as
/// good as the other.
pub(in crate::planner) trait Places {
    /// How far one has come among the slots of a class.
    type Walk;

    /// Whether any slot is in a class.
    fn has(&self, class: Class) -> bool;

    /// Begins with the first slot of a class in the order in which they are worked off.
    fn walk(&self, class: Class) -> Self::Walk;

    /// The next ranks in that order: in all of their slots are the same instances, and where there are tiers it is one.
    fn next(&self, walk: &mut Self::Walk) -> Option<Span>;

    /// No more slots of this one's lane: its zone has no room.
    fn pass_over(&self, walk: &mut Self::Walk, rank: u32);

    /// No more instances of this slot's lane: its zone can spare none. Where some stand in other zones, each is looked at.
    fn pass_over_all_of(&self, walk: &mut Self::Walk, rank: u32);

    fn slot_at(&self, rank: u32) -> Slot;

    /// How many attempts were launched in the slot of this rank.
    fn attempts_at(&self, rank: u32) -> Attempt;

    /// The instances that put the slot of this rank into this class, in order of their attempts.
    fn members_at(&self, rank: u32, class: Class) -> impl Iterator<Item = &Cell>;

    /// Whether a slot may be begun: no slot of an earlier tier is in this class.
    fn has_turn(&self, slot: Slot, undone: Class) -> bool;
}

/// Whether it is a desired slot's turn; `first` finds the first undone one from a rank on.
pub(super) fn has_turn(
    tiers: &[u32],
    by_rank: &[u32],
    slot: Slot,
    first: impl Fn(u32) -> Option<u32>,
) -> bool {
    let tier = |slot: u32| tiers.get(slot as usize).copied().unwrap_or(0);
    if tiers.is_empty() {
        return true;
    }
    // Ranks are in order of tiers, so the first one is of the earliest tier; slots that were added later are of the first
    // tier.
    let added = u32::try_from(tiers.len()).unwrap_or(u32::MAX);
    let earliest = [0, added].into_iter().filter_map(first).map(|rank| tier(by_rank[rank as usize])).min();
    earliest.is_none_or(|earliest| tier(slot.0) <= earliest)
}

/// Those of the instances of a slot that put it into this class.
pub(super) fn members<'c, I: Iterator<Item = &'c Cell>>(
    all: impl Fn() -> I,
    class: Class,
) -> impl Iterator<Item = &'c Cell> {
    let mut rest = all();
    std::iter::from_fn(move || {
        rest.by_ref().find(|leaving| {
            let succeeds =
                |cell: &Cell| cell.is_available() && (!cell.is_old() || cell.fresh && !leaving.fresh);
            match Class::leaving(leaving, false) {
                Some(Class::FoundOld) if all().any(succeeds) => class == Class::SucceededOld,
                leaves => leaves == Some(class),
            }
        })
    })
}
