use std::sync::Arc;

use super::founding::{Founding, anywhere};
use super::places::{has_turn, members};
use super::rank_set::RankSet;
use super::traits::Traits;
use super::{Board, Cell, Class, Counts, Phase, Places, Span, Tally};
use crate::id::{Attempt, Slot};
use crate::time::Timestamp;

/// The slots of a predicted fleet in cohorts: in all slots of one are the same instances, so one of them is as good as the
/// other, and up to 64 change at the cost of one.
///
/// In a world in which nothing fails there are a few cohorts, however large the fleet. Where the slots differ more, there
/// are more, and each change costs as many steps. Since when an instance has been in its phase is not kept.
#[derive(Clone, Debug)]
pub(in crate::planner) struct Cohorts {
    pub(super) frame: Arc<Frame>,
    pub(super) all: Vec<Cohort>,
    /// How many cohorts of each class are not empty.
    pub(super) present: [u32; Class::COUNT],
}

/// What does not change any more.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) desired: u32,
    /// One for each zone, where the limits look at zones.
    pub(super) lanes: u32,
    pub(super) looks_at_zones: bool,
    pub(super) by_rank: Arc<Vec<u32>>,
    pub(super) tiers: Vec<u32>,
}

#[derive(Clone, Debug)]
pub(super) struct Cohort {
    pub(super) like: Slotful,
    pub(super) classes: u32,
    pub(super) size: u32,
    pub(super) ranks: RankSet,
}

/// A slot and what is in it, but for its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slotful {
    pub(super) lane: u32,
    pub(super) is_surplus: bool,
    pub(super) attempts: u32,
    pub(super) rests: bool,
    pub(super) volume: bool,
    /// In order of their attempts.
    pub(super) cells: Vec<Cell>,
}

impl Cohorts {
    /// The fleet of a board.
    pub(in crate::planner) fn of(board: &Board) -> Self {
        let (desired, lanes, by_rank, tiers) = board.frame();
        let looks_at_zones = board.tally().looks_at_zones;
        let (by_rank, tiers) = (Arc::new(by_rank.to_vec()), tiers.to_vec());
        let frame = Frame { desired, lanes, looks_at_zones, by_rank, tiers };
        let mut founding = Founding::new(frame);
        for slot in 0..board.next_surplus().0 {
            let cells: Vec<Cell> = board.in_slot(Slot(slot)).map(|(_, cell)| *cell).collect();
            founding.next(board.of_slot(Slot(slot)), &cells);
        }
        founding.filled()
    }

    pub(super) fn begin(&mut self, frame: &Frame, like: Slotful) -> usize {
        let traits = like.cells.iter().map(Traits::of);
        let traits = traits.fold(Traits::NONE, Traits::and);
        let classes =
            traits.classes_of_slot(!like.is_surplus, like.rests, like.volume, !frame.tiers.is_empty());
        self.all.push(Cohort { like, classes, size: 0, ranks: RankSet::default() });
        self.all.len() - 1
    }

    pub(super) fn put(&mut self, to: usize, span: Span) {
        if span.is_empty() {
            return;
        }
        let cohort = &mut self.all[to];
        cohort.ranks.insert_all(span);
        if cohort.size == 0 {
            each(cohort.classes, |class| self.present[class] += 1);
        }
        cohort.size += span.len();
    }

    fn take(&mut self, from: usize, span: Span) {
        let cohort = &mut self.all[from];
        cohort.ranks.remove_all(span);
        cohort.size -= span.len();
        if cohort.size == 0 {
            each(cohort.classes, |class| self.present[class] -= 1);
        }
    }

    /// How many slots there are.
    pub(in crate::planner) fn len(&self) -> usize {
        self.frame.by_rank.len()
    }

    /// The slots in order of their ranks.
    pub(in crate::planner) fn order(&self) -> Arc<Vec<u32>> {
        Arc::clone(&self.frame.by_rank)
    }

    /// The rank of each slot.
    pub(in crate::planner) fn ranks(&self) -> Vec<u32> {
        let mut ranks = vec![0; self.len()];
        for (rank, slot) in (0_u32..).zip(self.frame.by_rank.iter()) {
            ranks[*slot as usize] = rank;
        }
        ranks
    }

    /// The phase of the instance in a slot with this attempt.
    pub(in crate::planner) fn phase(&self, rank: u32, attempt: Attempt) -> Option<Phase> {
        let cells = self.cohort_at(rank).map(|cohort| cohort.like.cells.as_slice()).unwrap_or_default();
        cells.iter().find(|cell| cell.seat.attempt == attempt).map(|cell| cell.phase)
    }

    /// Launches one like this in each slot.
    pub(in crate::planner) fn launch(&mut self, tally: &mut Tally, slots: &mut Vec<Span>, cell: &Cell) {
        let looks_at_zones = self.frame.looks_at_zones;
        self.convert(tally, slots, |like, _| {
            like.attempts = cell.seat.attempt.0.max(like.attempts);
            // Zones have lanes where somebody looks at them: those are numbered first.
            let zone = if looks_at_zones { u16::try_from(like.lane).unwrap_or(u16::MAX) } else { 0 };
            like.cells.push(anywhere(&Cell { zone, ..*cell }, true));
            true
        });
    }

    /// Changes the instance of this attempt in each slot that has one it concerns, and leaves only those slots.
    pub(in crate::planner) fn change(
        &mut self,
        tally: &mut Tally,
        slots: &mut Vec<Span>,
        attempt: Attempt,
        change: impl Fn(&mut Cell) -> bool,
    ) {
        self.convert(tally, slots, |like, _| {
            let cell = like.cells.iter_mut().find(|cell| cell.seat.attempt == attempt);
            cell.is_some_and(|cell| {
                let changes = change(cell);
                cell.since = Timestamp::UNIX_EPOCH;
                changes
            })
        });
    }

    /// Takes the instance of this attempt out of each slot that has one, and leaves only those slots; says how many of the
    /// instances were of the old group.
    pub(in crate::planner) fn remove(
        &mut self,
        tally: &mut Tally,
        slots: &mut Vec<Span>,
        attempt: Attempt,
    ) -> u32 {
        let mut old = 0;
        self.convert(tally, slots, |like, count| {
            let at = like.cells.iter().position(|cell| cell.seat.attempt == attempt);
            let cell = at.map(|at| like.cells.remove(at));
            old += cell.filter(Cell::is_old).map_or(0, |_| count);
            cell.is_some()
        });
        old
    }

    /// Says of every instance anew which group it belongs to.
    pub(in crate::planner) fn regroup(&mut self, tally: &mut Tally, change: impl Fn(&mut Cell)) {
        let frame = Arc::clone(&self.frame);
        let is_ordered = !frame.tiers.is_empty();
        self.present = [0; Class::COUNT];
        for mut cohort in std::mem::take(&mut self.all).into_iter().filter(|cohort| cohort.size > 0) {
            let before = cohort.like.clone();
            for cell in &mut cohort.like.cells {
                change(cell);
                cell.spare |= is_ordered && cell.surplus;
            }
            recount(tally, &before, &cohort.like, cohort.size);
            let to = self.find(&frame, cohort.like);
            let known = &mut self.all[to];
            if known.size == 0 {
                each(known.classes, |class| self.present[class] += 1);
            }
            known.size += cohort.size;
            known.ranks.extend(cohort.ranks);
        }
    }

    /// Makes slots of another kind, where `change`, which is told how many there are, says so; leaves only those.
    fn convert(
        &mut self,
        tally: &mut Tally,
        slots: &mut Vec<Span>,
        mut change: impl FnMut(&mut Slotful, u32) -> bool,
    ) {
        let mut left = slots.clone();
        // Those that begin meanwhile have none of what is left.
        for from in 0..self.all.len() {
            let ranks = &self.all[from].ranks;
            let count = left.iter().map(|span| ranks.of(*span).len()).sum();
            if count == 0 {
                continue;
            }
            let mut like = self.all[from].like.clone();
            let to = change(&mut like, count).then(|| {
                recount(tally, &self.all[from].like, &like, count);
                let frame = Arc::clone(&self.frame);
                self.find(&frame, like)
            });
            for (left, slots) in left.iter_mut().zip(slots.iter_mut()) {
                let here = self.all[from].ranks.of(*left);
                if here.is_empty() {
                    continue;
                }
                *left = left.without(here);
                match to {
                    Some(to) => {
                        self.take(from, here);
                        self.put(to, here);
                    }
                    None => *slots = slots.without(here),
                }
            }
            if left.iter().all(|span| span.is_empty()) {
                break;
            }
        }
        for (slots, left) in slots.iter_mut().zip(left) {
            *slots = slots.without(left);
        }
        slots.retain(|span| !span.is_empty());
    }

    fn find(&mut self, frame: &Frame, like: Slotful) -> usize {
        let known = self.all.iter().position(|cohort| cohort.like == like);
        known.unwrap_or_else(|| self.begin(frame, like))
    }

    fn cohort_at(&self, rank: u32) -> Option<&Cohort> {
        let span = Span::one(rank);
        self.all.iter().find(|cohort| cohort.ranks.word(span.word) & span.mask != 0)
    }

    fn of_class(&self, class: Class) -> impl Iterator<Item = &Cohort> {
        self.all.iter().filter(move |cohort| cohort.size > 0 && cohort.classes & class.bit() != 0)
    }
}

/// Counts what changes in so many slots.
fn recount(tally: &mut Tally, before: &Slotful, after: &Slotful, slots: u32) {
    let (mut before, mut after) = (before.cells.iter(), after.cells.iter());
    loop {
        match (before.next(), after.next()) {
            (Some(before), Some(after)) if before == after => {}
            (Some(before), Some(after)) if (before.image, before.zone) == (after.image, after.zone) => {
                tally.turn(before.zone, &Counts::of(before), &Counts::of(after), slots);
            }
            (None, None) => break,
            (before, after) => {
                before.into_iter().for_each(|cell| tally.go(cell, slots));
                after.into_iter().for_each(|cell| tally.come(cell, slots));
            }
        }
    }
}

fn each(classes: u32, mut on: impl FnMut(usize)) {
    let mut rest = classes;
    while rest != 0 {
        on(rest.trailing_zeros() as usize);
        rest &= rest - 1;
    }
}

/// How far one has come, and the lanes of which no more are wanted.
pub(in crate::planner) struct Walk {
    class: Class,
    from: u32,
    passed_over: Vec<u32>,
}

impl Places for Cohorts {
    type Walk = Walk;

    fn has(&self, class: Class) -> bool {
        self.present[class as usize] > 0
    }

    fn walk(&self, class: Class) -> Walk {
        Walk { class, from: 0, passed_over: Vec::new() }
    }

    fn next(&self, walk: &mut Walk) -> Option<Span> {
        let open =
            || self.of_class(walk.class).filter(|cohort| !walk.passed_over.contains(&cohort.like.lane));
        let heads = open().filter_map(|cohort| Some((cohort.ranks.at_or_after(walk.from)?, cohort)));
        let (rank, first) = heads.min_by_key(|(rank, _)| *rank)?;
        let mut span = Span::one(rank);
        if self.frame.tiers.is_empty() {
            let word = |cohort: &Cohort| cohort.ranks.word(span.word) & !(span.mask - 1);
            let others = open()
                .filter(|cohort| !std::ptr::eq(*cohort, first))
                .fold(0, |all, cohort| all | word(cohort));
            // As far as the first one of another cohort.
            span.mask = word(first) & (others & others.wrapping_neg()).wrapping_sub(1);
        }
        walk.from = span.last() + 1;
        Some(span)
    }

    fn pass_over(&self, walk: &mut Walk, rank: u32) {
        if self.frame.lanes > 1 {
            walk.passed_over.push(self.slot_at(rank).0 % self.frame.lanes);
        }
    }

    fn pass_over_all_of(&self, walk: &mut Walk, rank: u32) {
        let lane = self.slot_at(rank).0 % self.frame.lanes;
        let is_stray = |cell: &Cell| u32::from(cell.zone) != lane;
        let here = |cohort: &&Cohort| cohort.size > 0 && cohort.like.lane == lane;
        if !self.all.iter().filter(here).any(|cohort| cohort.like.cells.iter().any(is_stray)) {
            self.pass_over(walk, rank);
        }
    }

    fn slot_at(&self, rank: u32) -> Slot {
        Slot(self.frame.by_rank[rank as usize])
    }

    fn attempts_at(&self, rank: u32) -> Attempt {
        Attempt(self.cohort_at(rank).map_or(0, |cohort| cohort.like.attempts))
    }

    fn members_at(&self, rank: u32, class: Class) -> impl Iterator<Item = &Cell> {
        let cohort = self.cohort_at(rank);
        members(move || cohort.into_iter().flat_map(|cohort| &cohort.like.cells), class)
    }

    fn has_turn(&self, slot: Slot, undone: Class) -> bool {
        if slot.0 >= self.frame.desired {
            return true;
        }
        let first = |from| self.of_class(undone).filter_map(|cohort| cohort.ranks.at_or_after(from)).min();
        has_turn(&self.frame.tiers, &self.frame.by_rank, slot, first)
    }
}
