use std::collections::BTreeMap;

use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::board::{Link, NONE};
use super::{Board, Cell, CellId};
use crate::id::Slot;
use crate::plan::Seat;
use crate::time::Timestamp;

/// A board as a checkpoint holds it: what is not kept along, in few numbers for each instance. Most instances are like
/// many others but for their slots.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Frozen {
    desired: u32,
    zones: u32,
    order: Vec<u32>,
    tiers: Vec<u32>,
    /// Slots with attempts, and how many.
    attempts: Vec<(u32, u32)>,
    rests: Vec<u32>,
    volumes: Vec<u32>,
    /// Instances without slot and time, each once.
    kinds: Vec<Cell>,
    times: Vec<Timestamp>,
    /// Of each cell that is taken: its slot, kind and time, by the numbers of those.
    cells: Vec<(u32, u32, u32)>,
    /// The cells that are free, the next one first.
    free: Vec<u32>,
}

/// Numbers things in the order in which they are met.
#[derive(Debug)]
struct Numbers<T> {
    known: BTreeMap<T, u32>,
    all: Vec<T>,
}

impl<T: Copy + Ord> Numbers<T> {
    const fn new() -> Self {
        Self { known: BTreeMap::new(), all: Vec::new() }
    }

    fn of(&mut self, thing: T) -> u32 {
        *self.known.entry(thing).or_insert_with(|| {
            self.all.push(thing);
            // There are no more of them than cells, which u32 counts.
            u32::try_from(self.all.len() - 1).unwrap_or(NONE)
        })
    }
}

impl Serialize for Board {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut free = Vec::new();
        let mut at = self.free;
        while let Some(link) = self.cells.get(at as usize) {
            free.push(at);
            at = link.next;
        }
        let mut is_free = vec![false; self.cells.len()];
        free.iter().for_each(|at| is_free[*at as usize] = true);
        let (mut kinds, mut times) = (Numbers::new(), Numbers::new());
        let taken = self.cells.iter().zip(&is_free).filter(|(_, is_free)| !**is_free);
        let cells = taken.map(|(Link { cell, .. }, _)| {
            let seat = Seat { slot: Slot(0), ..cell.seat };
            let kind = kinds.of(Cell { seat, since: Timestamp::UNIX_EPOCH, ..*cell });
            (cell.seat.slot.0, kind, times.of(cell.since))
        });
        let cells = cells.collect();
        let (desired, _, order, tiers) = self.frame();
        let slots = || (0..).zip(&self.slots);
        let frozen = Frozen {
            desired,
            zones: self.zones(),
            order: order.to_vec(),
            tiers: tiers.to_vec(),
            attempts: slots().filter(|(_, s)| s.attempts > 0).map(|(slot, s)| (slot, s.attempts)).collect(),
            rests: slots().filter(|(_, seats)| seats.rests).map(|(slot, _)| slot).collect(),
            volumes: slots().filter(|(_, seats)| seats.volume).map(|(slot, _)| slot).collect(),
            kinds: kinds.all,
            times: times.all,
            cells,
            free,
        };
        if frozen.cells.len() + frozen.free.len() != self.cells.len() {
            return Err(S::Error::custom("the free cells of a board form a circle"));
        }
        frozen.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Board {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let frozen = Frozen::deserialize(deserializer)?;
        thawed(frozen).ok_or_else(|| serde::de::Error::custom("a board whose numbers contradict each other"))
    }
}

fn thawed(frozen: Frozen) -> Option<Board> {
    let Frozen { desired, zones, order, tiers, attempts, rests, volumes, kinds, times, cells, free } = frozen;
    let mut is_ranked = vec![false; order.len()];
    for slot in &order {
        if std::mem::replace(is_ranked.get_mut(*slot as usize)?, true) {
            return None;
        }
    }
    let all = cells.len() + free.len();
    if tiers.len() > order.len() || (desired as usize) > order.len() || u32::try_from(all).is_err() {
        return None;
    }
    let mut board = Board::new(desired, zones, order, tiers);
    for (slot, attempts) in attempts {
        board.slots.get_mut(slot as usize)?.attempts = attempts;
    }
    for slot in rests {
        board.slots.get_mut(slot as usize)?.rests = true;
    }
    for slot in volumes {
        board.slots.get_mut(slot as usize)?.volume = true;
    }
    let mut is_free = vec![false; all];
    board.cells = vec![Link { cell: Cell::NOBODY, next: NONE }; all];
    board.free = free.first().copied().unwrap_or(NONE);
    for (nth, at) in free.iter().enumerate() {
        if std::mem::replace(is_free.get_mut(*at as usize)?, true) {
            return None;
        }
        board.cells[*at as usize].next = free.get(nth + 1).copied().unwrap_or(NONE);
    }
    let mut cells = cells.into_iter();
    for (at, is_free) in is_free.into_iter().enumerate() {
        if is_free {
            continue;
        }
        let (slot, kind, time) = cells.next()?;
        board.slots.get(slot as usize)?;
        let kind = kinds.get(kind as usize)?;
        let seat = Seat { slot: Slot(slot), ..kind.seat };
        board.cells[at].cell = Cell { seat, since: *times.get(time as usize)?, ..*kind };
        board.restore(CellId(u32::try_from(at).ok()?));
    }
    board.sort();
    Some(board)
}
