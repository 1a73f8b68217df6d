//! What is kept along with every change equals what is counted anew.

use proptest::prelude::*;

use super::*;
use crate::strategy::Reason;

/// A change of a board; whom it concerns is counted round those that exist.
#[derive(Clone, Debug)]
enum Change {
    Insert { slot: u32, image: u16, zone: u16, cell: (u8, u8, u8) },
    Enter { which: usize, phase: u8 },
    Mark { which: usize, reason: u8 },
    Set { which: usize, fixed: bool, charged: bool },
    Remove { which: usize },
    Rest { slot: u32, rests: bool },
    OwnVolume { slot: u32 },
    Resize { desired: u32 },
}

const PHASES: [Phase; 7] = [
    Phase::Intended,
    Phase::Launching,
    Phase::Ready,
    Phase::Available,
    Phase::Suspect,
    Phase::Broken,
    Phase::Retiring,
];
const REASONS: [Option<Reason>; 6] = [
    None,
    Some(Reason::Drifted),
    Some(Reason::Revoked),
    Some(Reason::Requested),
    Some(Reason::Aged),
    Some(Reason::OtherImage),
];

fn any_change() -> impl Strategy<Value = Change> {
    let which = 0_usize..64;
    prop_oneof![
        4 => (0_u32..90, 0_u16..3, 0_u16..4, (0_u8..7, 0_u8..6, 0_u8..4))
            .prop_map(|(slot, image, zone, cell)| Change::Insert { slot, image, zone, cell }),
        4 => (which.clone(), 0_u8..7).prop_map(|(which, phase)| Change::Enter { which, phase }),
        1 => (which.clone(), 0_u8..6).prop_map(|(which, reason)| Change::Mark { which, reason }),
        1 => (which.clone(), any::<bool>(), any::<bool>())
            .prop_map(|(which, fixed, charged)| Change::Set { which, fixed, charged }),
        3 => which.prop_map(|which| Change::Remove { which }),
        1 => (0_u32..90, any::<bool>()).prop_map(|(slot, rests)| Change::Rest { slot, rests }),
        1 => (0_u32..90).prop_map(|slot| Change::OwnVolume { slot }),
        1 => (0_u32..90).prop_map(|desired| Change::Resize { desired }),
    ]
}

impl Board {
    fn apply(&mut self, change: &Change, attempt: u32) {
        let all: Vec<CellId> = self.entries().map(|(id, _)| id).collect();
        let id = |which: usize| (!all.is_empty()).then(|| all[which % all.len()]);
        match *change {
            Change::Insert { slot, image, zone, cell: (phase, reason, flags) } => {
                let (phase, reason) = (PHASES[usize::from(phase)], REASONS[usize::from(reason)]);
                self.insert(Cell {
                    seat: Seat::new(slot.min(self.next_surplus().0), attempt),
                    image,
                    zone,
                    phase,
                    since: Timestamp::UNIX_EPOCH,
                    reason,
                    in_service: flags & 1 == 1 || phase == Phase::Available,
                    fixed: false,
                    skipped: false,
                    standby: flags & 3 == 3,
                    surplus: false,
                    spare: false,
                    former: flags & 3 == 1 && reason.is_some(),
                    // Only old ones are launched for comparison.
                    fresh: flags & 2 == 2 && reason.is_some(),
                    charged: false,
                });
            }
            Change::Enter { which, phase } => {
                let phase = PHASES[usize::from(phase)];
                id(which).into_iter().for_each(|id| self.enter(id, phase, Timestamp::UNIX_EPOCH));
            }
            Change::Mark { which, reason } => {
                let reason = REASONS[usize::from(reason)];
                id(which).into_iter().for_each(|id| {
                    self.change(id, |cell| {
                        cell.reason = reason;
                        cell.fresh &= reason.is_some();
                    });
                });
            }
            Change::Set { which, fixed, charged } => {
                let set = |cell: &mut Cell| {
                    (cell.fixed, cell.skipped, cell.charged) = (fixed, fixed && charged, charged)
                };
                id(which).into_iter().for_each(|id| self.change(id, set));
            }
            Change::Remove { which } => id(which).into_iter().for_each(|id| _ = self.remove(id)),
            Change::Rest { slot, rests } => self.rest(Slot(slot), rests),
            Change::OwnVolume { slot } => self.own_volume(Slot(slot)),
            Change::Resize { desired } => self.resize(desired),
        }
    }

    /// The same fleet put up at once.
    fn rebuilt(&self) -> Self {
        let zones = if self.tally.looks_at_zones { self.lanes } else { 0 };
        let mut board = Self::new(self.desired, zones, self.by_rank.clone(), self.tiers.clone());
        for cell in self.cells() {
            let id = board.insert(*cell);
            // Not what is found there now, but what was found there then.
            board.change(id, |kept| kept.spare = cell.spare);
        }
        for (slot, seats) in (0_u32..).zip(&self.slots) {
            board.rest(Slot(slot), seats.rests);
            if seats.volume {
                board.own_volume(Slot(slot));
            }
        }
        board.sort();
        board
    }

    /// Everything that a decision can read of it.
    fn seen(&self) -> impl PartialEq + std::fmt::Debug + use<> {
        let lists: [Vec<(Slot, Vec<Cell>)>; Class::COUNT] = Class::ALL.map(|class| {
            let mut walk = self.walk(class);
            let next = || self.next(&mut walk).map(Span::first);
            let members = |rank| (self.slot_at(rank), self.members_at(rank, class).copied().collect());
            std::iter::from_fn(next).map(members).collect()
        });
        let turns = [Class::Unfinished, Class::Unserved].map(|undone| {
            (0..self.next_surplus().0).map(|slot| self.has_turn(Slot(slot), undone)).collect::<Vec<_>>()
        });
        (
            *self.counts(),
            (0..4).map(|zone| self.zone(zone)).collect::<Vec<_>>(),
            (0..3).map(|image| self.has_image(image)).collect::<Vec<_>>(),
            self.versions(),
            lists,
            turns,
        )
    }
}

proptest! {
    /// Whatever happened to a fleet, a decision reads of it what it would read of the same fleet put up at once.
    #[test]
    fn what_is_kept_along_equals_what_is_counted_anew(
        desired in 0_u32..80,
        zones in 0_u32..4,
        tiered in any::<bool>(),
        changes in prop::collection::vec(any_change(), 0..60),
    ) {
        // Some order other than that of the slots.
        let order: Vec<u32> = (0..desired).rev().collect();
        let tiers = if tiered { (0..desired).map(|slot| (desired - 1 - slot) / 7).collect() } else { vec![] };
        let mut board = Board::new(desired, zones, order, tiers);
        board.sort();
        for (attempt, change) in (0_u32..).zip(&changes) {
            board.apply(change, attempt);
        }
        prop_assert_eq!(board.seen(), board.rebuilt().seen());
    }
}
