use super::places::{has_turn, members};
use super::rank_set::RankSet;
use super::traits::Traits;
use super::{Cell, CellId, Class, Counts, Phase, Places, Span, Tally};
use crate::id::{Attempt, Slot};
use crate::plan::Seat;
use crate::time::Timestamp;

pub(super) const NONE: u32 = u32::MAX;

/// One slot: a list of the cells in it, in order of their attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seats {
    pub(super) first: u32,
    /// The attempts that were launched so far.
    pub(super) attempts: u32,
    /// Its place in the order in which slots are worked off.
    rank: u32,
    /// The classes it is in.
    classes: u32,
    /// After a failed launch it rests for a while.
    pub(super) rests: bool,
    /// It owns a volume.
    pub(super) volume: bool,
}

impl Seats {
    const fn empty(rank: u32) -> Self {
        Self { first: NONE, attempts: 0, rank, classes: 0, rests: false, volume: false }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) cell: Cell,
    pub(super) next: u32,
}

/// See [the module](super).
///
/// It has one lane for all zones, or one for each where the limits look at zones: a zone that is full or must not lose
/// more is then passed over without looking at its slots one by one.
#[derive(Clone, Debug)]
pub(in crate::planner) struct Board {
    desired: u32,
    lanes: u32,
    pub(super) slots: Vec<Seats>,
    /// The slot at each rank.
    by_rank: Vec<u32>,
    /// Tier of each slot, if there are any: none of a later tier is begun before all of the earlier ones are done.
    tiers: Vec<u32>,
    pub(super) cells: Vec<Link>,
    pub(super) free: u32,
    tally: Tally,
    /// The sets are kept along: not before all instances from the beginning have their seats.
    is_sorted: bool,
    /// How many instances of each lane stand in another zone than their slot.
    strays: Vec<u32>,
    sets: Vec<RankSet>,
}

// Everything else follows from these.
impl PartialEq for Board {
    fn eq(&self, other: &Self) -> bool {
        self.desired == other.desired && self.cells().eq(other.cells())
    }
}

impl Eq for Board {}

impl Board {
    /// A fleet without instances, with a lane for each of so many zones, or none. `order` lists the desired slots in the
    /// order in which they are worked off, `tiers` the tier of each slot, or nothing. Insert the instances that are there,
    /// then [`sort`](Self::sort).
    pub(in crate::planner) fn new(desired: u32, zones: u32, order: Vec<u32>, tiers: Vec<u32>) -> Self {
        let mut slots = vec![Seats::empty(0); order.len()];
        for (rank, slot) in order.iter().enumerate() {
            // There are no more slots than u32 counts.
            slots[*slot as usize].rank = u32::try_from(rank).unwrap_or(NONE);
        }
        let mut board = Self {
            desired,
            lanes: zones.max(1),
            slots,
            by_rank: order,
            tiers,
            cells: Vec::new(),
            free: NONE,
            tally: Tally::new(zones > 0),
            is_sorted: false,
            strays: vec![0; zones.max(1) as usize],
            sets: Vec::new(),
        };
        board.sets.resize_with(board.lanes as usize * Class::COUNT, RankSet::default);
        board
    }

    /// Puts every slot into its classes, from now on with every change.
    pub(in crate::planner) fn sort(&mut self) {
        self.is_sorted = true;
        for slot in 0..self.slots.len() {
            self.classify(slot);
        }
    }

    pub(in crate::planner) const fn counts(&self) -> &Counts {
        &self.tally.counts
    }

    /// The counters of one zone, where the limits look at zones.
    pub(in crate::planner) fn zone(&self, zone: u16) -> Counts {
        self.tally.zone(zone)
    }

    /// Whether instances of an image exist.
    pub(in crate::planner) fn has_image(&self, image: u16) -> bool {
        self.tally.has_image(image)
    }

    /// How many different images exist.
    pub(in crate::planner) fn versions(&self) -> usize {
        self.tally.versions()
    }

    /// The lowest slot that has never been used and is beyond the desired ones.
    pub(in crate::planner) fn next_surplus(&self) -> Slot {
        Slot(u32::try_from(self.slots.len()).unwrap_or(NONE))
    }

    /// How many attempts were launched in a slot.
    pub(in crate::planner) fn attempts(&self, slot: Slot) -> Attempt {
        Attempt(self.slots.get(slot.0 as usize).map_or(0, |seats| seats.attempts))
    }

    pub(in crate::planner) fn cell(&self, id: CellId) -> &Cell {
        &self.cells[id.0 as usize].cell
    }

    pub(in crate::planner) fn find(&self, seat: Seat) -> Option<CellId> {
        self.in_slot(seat.slot).find(|(_, cell)| cell.seat == seat).map(|(id, _)| id)
    }

    /// The cells of a slot, in order of their attempts.
    pub(in crate::planner) fn in_slot(&self, slot: Slot) -> impl Iterator<Item = (CellId, &Cell)> {
        let mut at = self.slots.get(slot.0 as usize).map_or(NONE, |seats| seats.first);
        std::iter::from_fn(move || {
            let link = self.cells.get(at as usize)?;
            let id = CellId(at);
            at = link.next;
            Some((id, &link.cell))
        })
    }

    /// All cells, in order of their seats.
    pub(in crate::planner) fn cells(&self) -> impl Iterator<Item = &Cell> {
        self.entries().map(|(_, cell)| cell)
    }

    /// All cells and where they are stored, in order of their seats.
    pub(in crate::planner) fn entries(&self) -> impl Iterator<Item = (CellId, &Cell)> {
        (0..self.next_surplus().0).flat_map(|slot| self.in_slot(Slot(slot)))
    }

    /// Gives up the order of tiers; `false` if there is none.
    pub(in crate::planner) fn drop_tiers(&mut self) -> bool {
        !std::mem::take(&mut self.tiers).is_empty()
    }

    /// Puts an instance into a slot; the slot is at most the next surplus one.
    pub(in crate::planner) fn insert(&mut self, mut cell: Cell) -> CellId {
        cell.surplus = cell.seat.slot.0 >= self.desired;
        cell.spare = cell.surplus;
        let slot = cell.seat.slot.0 as usize;
        if slot == self.slots.len() {
            // Slots beyond the ordered ones come after all of them.
            let rank = u32::try_from(self.by_rank.len()).unwrap_or(NONE);
            self.slots.push(Seats::empty(rank));
            self.by_rank.push(cell.seat.slot.0);
        }
        let id = self.store(cell);
        let attempts = &mut self.slots[slot].attempts;
        *attempts = cell.seat.attempt.0.max(*attempts);
        self.link(slot, id);
        self.strays[slot % self.lanes as usize] += u32::from(self.is_stray(&cell));
        self.tally.come(&cell, 1);
        self.classify(slot);
        id
    }

    /// Takes an instance away.
    pub(in crate::planner) fn remove(&mut self, id: CellId) -> Cell {
        let Link { cell, next } = self.cells[id.0 as usize];
        let slot = cell.seat.slot.0 as usize;
        if self.slots[slot].first == id.0 {
            self.slots[slot].first = next;
        } else {
            let mut at = self.slots[slot].first;
            while let Some(link) = self.cells.get_mut(at as usize) {
                if link.next == id.0 {
                    link.next = next;
                    break;
                }
                at = link.next;
            }
        }
        self.cells[id.0 as usize].next = self.free;
        self.free = id.0;
        self.strays[slot % self.lanes as usize] -= u32::from(self.is_stray(&cell));
        self.tally.go(&cell, 1);
        self.classify(slot);
        cell
    }

    /// Changes an instance; its seat and zone stay.
    pub(in crate::planner) fn change(&mut self, id: CellId, change: impl FnOnce(&mut Cell)) {
        let cell = &mut self.cells[id.0 as usize].cell;
        let before = Counts::of(cell);
        change(cell);
        let (after, zone, slot) = (Counts::of(cell), cell.zone, cell.seat.slot);
        self.tally.turn(zone, &before, &after, 1);
        self.classify(slot.0 as usize);
    }

    /// The instance enters a phase.
    pub(in crate::planner) fn enter(&mut self, id: CellId, phase: Phase, since: Timestamp) {
        self.change(id, |cell| cell.enter(phase, since));
    }

    /// Nothing is launched in the slot, until told otherwise.
    pub(in crate::planner) fn rest(&mut self, slot: Slot, rests: bool) {
        if let Some(seats) = self.slots.get_mut(slot.0 as usize) {
            seats.rests = rests;
            self.classify(slot.0 as usize);
        }
    }

    /// The slot owns a volume: it has one instance at a time.
    pub(in crate::planner) fn own_volume(&mut self, slot: Slot) {
        if let Some(seats) = self.slots.get_mut(slot.0 as usize) {
            seats.volume = true;
            self.classify(slot.0 as usize);
        }
    }

    pub(in crate::planner) fn owns_volume(&self, slot: Slot) -> bool {
        self.slots.get(slot.0 as usize).is_some_and(|seats| seats.volume)
    }

    /// Says of every instance anew which group it belongs to.
    pub(in crate::planner) fn regroup(&mut self, change: impl Fn(&mut Cell)) {
        let is_ordered = !self.tiers.is_empty();
        let all: Vec<CellId> = self.entries().map(|(id, _)| id).collect();
        for id in all {
            self.change(id, |cell| {
                change(cell);
                cell.spare |= is_ordered && cell.surplus;
            });
        }
    }

    /// Another number of slots is desired.
    pub(in crate::planner) fn resize(&mut self, desired: u32) {
        while self.slots.len() < desired as usize {
            let next = u32::try_from(self.slots.len()).unwrap_or(NONE);
            self.slots.push(Seats::empty(next));
            self.by_rank.push(next);
        }
        self.desired = desired;
        self.regroup(|cell| {
            cell.surplus = cell.seat.slot.0 >= desired;
            cell.spare &= cell.surplus;
        });
        for slot in 0..self.slots.len() {
            self.classify(slot);
        }
    }

    /// Whether it stands in another zone than its slot, where zones have lanes: those are numbered first.
    const fn is_stray(&self, cell: &Cell) -> bool {
        self.lanes > 1 && cell.zone as u32 != cell.seat.slot.0 % self.lanes
    }

    fn set(&self, lane: u32, class: Class) -> &RankSet {
        &self.sets[lane as usize * Class::COUNT + class as usize]
    }

    fn store(&mut self, cell: Cell) -> CellId {
        let link = Link { cell, next: NONE };
        if let Some(free) = self.cells.get_mut(self.free as usize) {
            let id = CellId(self.free);
            self.free = free.next;
            *free = link;
            return id;
        }
        self.cells.push(link);
        CellId(u32::try_from(self.cells.len() - 1).unwrap_or(NONE))
    }

    fn link(&mut self, slot: usize, id: CellId) {
        let attempt = self.cell(id).seat.attempt;
        let mut before = None;
        let mut at = self.slots[slot].first;
        while let Some(link) = self.cells.get(at as usize).filter(|link| link.cell.seat.attempt <= attempt) {
            before = Some(at);
            at = link.next;
        }
        self.cells[id.0 as usize].next = at;
        match before {
            Some(before) => self.cells[before as usize].next = id.0,
            None => self.slots[slot].first = id.0,
        }
    }

    /// Puts the slot into the sets of its classes.
    fn classify(&mut self, slot: usize) {
        if !self.is_sorted {
            return;
        }
        let classes = self.classes_of(slot);
        let Seats { rank, classes: before, .. } = self.slots[slot];
        let mut changed = classes ^ before;
        if changed == 0 {
            return;
        }
        self.slots[slot].classes = classes;
        let lane = slot % self.lanes as usize;
        while changed != 0 {
            let class = changed.trailing_zeros() as usize;
            let set = &mut self.sets[lane * Class::COUNT + class];
            if classes >> class & 1 == 1 {
                set.insert(rank)
            } else {
                set.remove(rank)
            }
            changed &= changed - 1;
        }
    }

    fn classes_of(&self, slot: usize) -> u32 {
        let number = Slot(u32::try_from(slot).unwrap_or(NONE));
        let is_desired = number.0 < self.desired;
        let all = self.in_slot(number).fold(Traits::NONE, |all, (_, cell)| all.and(Traits::of(cell)));
        let Seats { rests, volume, .. } = self.slots[slot];
        all.classes_of_slot(is_desired, rests, volume, !self.tiers.is_empty())
    }

    /// The instances of a slot that put it into this class.
    fn members(&self, slot: Slot, class: Class) -> impl Iterator<Item = &Cell> {
        let all = move || self.in_slot(slot).map(|(_, cell)| cell);
        members(all, class)
    }

    /// Takes in an instance whose cell is stored already.
    pub(super) fn restore(&mut self, id: CellId) {
        let cell = *self.cell(id);
        let slot = cell.seat.slot.0 as usize;
        self.link(slot, id);
        self.strays[slot % self.lanes as usize] += u32::from(self.is_stray(&cell));
        self.tally.come(&cell, 1);
    }

    /// For how many zones it has lanes.
    pub(super) const fn zones(&self) -> u32 {
        if self.tally.looks_at_zones { self.lanes } else { 0 }
    }

    /// What cohorts are made of: attempts, whether it rests, and whether it owns a volume.
    pub(super) fn of_slot(&self, slot: Slot) -> (u32, bool, bool) {
        let seats = &self.slots[slot.0 as usize];
        (seats.attempts, seats.rests, seats.volume)
    }

    /// The desired number, the lanes, the slot at each rank, and the tiers.
    pub(super) fn frame(&self) -> (u32, u32, &[u32], &[u32]) {
        (self.desired, self.lanes, &self.by_rank, &self.tiers)
    }

    /// Its counters alone, for whoever keeps them along.
    pub(in crate::planner) fn without_instances(&self) -> Self {
        Self { tally: self.tally.clone(), ..Self::new(0, self.zones(), Vec::new(), Vec::new()) }
    }

    pub(super) const fn tally(&self) -> &Tally {
        &self.tally
    }

    /// The counters of a board without instances.
    pub(in crate::planner) const fn tally_mut(&mut self) -> &mut Tally {
        &mut self.tally
    }
}

/// The slots of a class, from every lane its next one.
pub(in crate::planner) struct Lanes {
    class: Class,
    heads: Vec<Option<u32>>,
}

impl Places for Board {
    type Walk = Lanes;

    fn has(&self, class: Class) -> bool {
        (0..self.lanes).any(|lane| self.set(lane, class).at_or_after(0).is_some())
    }

    fn walk(&self, class: Class) -> Lanes {
        let heads = (0..self.lanes).map(|lane| self.set(lane, class).at_or_after(0)).collect();
        Lanes { class, heads }
    }

    fn next(&self, walk: &mut Lanes) -> Option<Span> {
        let lanes = walk.heads.iter().enumerate();
        let (rank, lane) = lanes.filter_map(|(lane, head)| Some(((*head)?, lane))).min()?;
        let set = self.set(u32::try_from(lane).unwrap_or(0), walk.class);
        walk.heads[lane] = rank.checked_add(1).and_then(|from| set.at_or_after(from));
        Some(Span::one(rank))
    }

    fn pass_over(&self, walk: &mut Lanes, rank: u32) {
        if self.lanes > 1 {
            walk.heads[(self.slot_at(rank).0 % self.lanes) as usize] = None;
        }
    }

    fn pass_over_all_of(&self, walk: &mut Lanes, rank: u32) {
        if self.strays[(self.slot_at(rank).0 % self.lanes) as usize] == 0 {
            self.pass_over(walk, rank);
        }
    }

    fn slot_at(&self, rank: u32) -> Slot {
        Slot(self.by_rank[rank as usize])
    }

    fn attempts_at(&self, rank: u32) -> Attempt {
        self.attempts(self.slot_at(rank))
    }

    fn members_at(&self, rank: u32, class: Class) -> impl Iterator<Item = &Cell> {
        self.members(self.slot_at(rank), class)
    }

    fn has_turn(&self, slot: Slot, undone: Class) -> bool {
        if slot.0 >= self.desired {
            return true;
        }
        let first = |from| (0..self.lanes).filter_map(|lane| self.set(lane, undone).at_or_after(from)).min();
        has_turn(&self.tiers, &self.by_rank, slot, first)
    }
}

#[cfg(test)]
#[path = "properties.rs"]
mod properties;
