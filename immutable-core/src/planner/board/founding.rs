use std::sync::Arc;

use super::cohorts::{Cohort, Frame, Slotful};
use super::{Cell, Class, Cohorts, Span, Tally};
use crate::id::Slot;
use crate::plan::Seat;
use crate::time::Timestamp;

/// Puts the slots of a fleet into cohorts, one after the other.
pub(in crate::planner) struct Founding {
    frame: Frame,
    cohorts: Cohorts,
    /// The cohort of each slot so far.
    of_slot: Vec<u32>,
}

impl Founding {
    /// Of an empty fleet with a lane for each of so many zones, or none; `order` and `tiers` are those of a board.
    pub(in crate::planner) fn of(desired: u32, zones: u32, order: Vec<u32>, tiers: Vec<u32>) -> Self {
        let (lanes, looks_at_zones) = (zones.max(1), zones > 0);
        Self::new(Frame { desired, lanes, looks_at_zones, by_rank: Arc::new(order), tiers })
    }

    pub(super) fn new(frame: Frame) -> Self {
        let (by_rank, tiers) = (Arc::default(), Vec::new());
        let nothing = Frame { desired: 0, lanes: 1, looks_at_zones: false, by_rank, tiers };
        let cohorts = Cohorts { frame: Arc::new(nothing), all: Vec::new(), present: [0; Class::COUNT] };
        Self { of_slot: Vec::with_capacity(frame.by_rank.len()), frame, cohorts }
    }

    /// An instance that was found in a slot after the last one, alone, and whether the slot owns a volume.
    pub(in crate::planner) fn found(&mut self, cell: &Cell, volume: bool) {
        while self.of_slot.len() < cell.seat.slot.0 as usize {
            self.next((0, false, false), &[]);
        }
        let surplus = cell.seat.slot.0 >= self.frame.desired;
        let cell = Cell { surplus, spare: surplus, ..*cell };
        self.next((0, false, volume), &[cell]);
    }

    /// The same as the last one, in the slot after it; `false` if that slot is of another kind, and nothing is done.
    pub(in crate::planner) fn found_again(&mut self, slot: Slot) -> bool {
        let is_next = self.of_slot.len() == slot.0 as usize && slot.0 < self.frame.desired;
        let follows = is_next && !self.frame.looks_at_zones;
        if follows && let Some(last) = self.of_slot.last() {
            self.of_slot.push(*last);
            return true;
        }
        false
    }

    /// All of them, counted too.
    pub(in crate::planner) fn finish(mut self, tally: &mut Tally) -> Cohorts {
        while self.of_slot.len() < self.frame.desired as usize {
            self.next((0, false, false), &[]);
        }
        let cohorts = self.filled();
        for cohort in &cohorts.all {
            for cell in &cohort.like.cells {
                tally.come(cell, cohort.size);
            }
        }
        cohorts
    }

    /// What is in the next slot; most are like the one before.
    pub(super) fn next(&mut self, (attempts, rests, volume): (u32, bool, bool), cells: &[Cell]) {
        let Self { frame, cohorts, of_slot } = self;
        let slot = u32::try_from(of_slot.len()).unwrap_or(u32::MAX);
        if of_slot.len() >= frame.by_rank.len() {
            Arc::make_mut(&mut frame.by_rank).push(slot);
        }
        let lane = if frame.lanes > 1 { slot % frame.lanes } else { 0 };
        let is_surplus = slot >= frame.desired;
        let is_like = |cohort: &Cohort| {
            let like = &cohort.like;
            (like.lane, like.is_surplus, like.attempts, like.rests, like.volume)
                == (lane, is_surplus, attempts, rests, volume)
                && like.cells.len() == cells.len()
                && like.cells.iter().zip(cells).all(|(a, b)| is_alike(a, b, frame.looks_at_zones))
        };
        let last = of_slot.last().copied().filter(|last| is_like(&cohorts.all[*last as usize]));
        let number = last.unwrap_or_else(|| {
            let known = cohorts.all.iter().position(is_like).unwrap_or_else(|| {
                let cells = cells.iter().map(|cell| anywhere(cell, frame.looks_at_zones)).collect();
                cohorts.begin(frame, Slotful { lane, is_surplus, attempts, rests, volume, cells })
            });
            // There are no more cohorts than slots.
            u32::try_from(known).unwrap_or(u32::MAX)
        });
        of_slot.push(number);
    }

    /// Every slot in its cohort.
    pub(super) fn filled(self) -> Cohorts {
        let Self { frame, mut cohorts, of_slot } = self;
        let (mut word, mut mask, mut now) = (0, 0, 0);
        for (rank, slot) in (0_u32..).zip(frame.by_rank.iter()) {
            let span = Span::one(rank);
            let cohort = of_slot[*slot as usize];
            if (cohort, span.word) != (now, word) {
                cohorts.put(now as usize, Span { word, mask });
                (word, mask, now) = (span.word, 0, cohort);
            }
            mask |= span.mask;
        }
        cohorts.put(now as usize, Span { word, mask });
        cohorts.frame = Arc::new(frame);
        cohorts
    }
}

/// An instance as its cohort knows it: in some slot, since some time, and somewhere, if nobody looks at zones.
pub(super) fn anywhere(cell: &Cell, looks_at_zones: bool) -> Cell {
    let zone = if looks_at_zones { cell.zone } else { 0 };
    Cell { seat: Seat { slot: Slot(0), ..cell.seat }, since: Timestamp::UNIX_EPOCH, zone, ..*cell }
}

/// Whether an instance of a cohort is like this one, as if that one were [`anywhere`].
fn is_alike(known: &Cell, cell: &Cell, looks_at_zones: bool) -> bool {
    let of = |cell: &Cell| {
        let apart = [cell.fixed, cell.skipped, cell.standby];
        let flags = [cell.in_service, cell.surplus, cell.spare, cell.former, cell.fresh, cell.charged];
        (cell.seat.attempt, cell.image, cell.phase, cell.reason, apart, flags)
    };
    of(known) == of(cell) && (!looks_at_zones || known.zone == cell.zone)
}
