use std::collections::{BTreeMap, BTreeSet};

use immutable_core::journal::{Fact, Intent, Outcome, Record};
use immutable_core::plan::{RolloutSpec, Seat};
use immutable_core::planner::{Cause, Condition, Member, Observation, OpId, OpenOp, RolloutState};
use immutable_core::{Digest, Slot, Zone};

/// How one instance stands, as far as a viewer cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stand {
    /// It serves.
    Available,
    /// It finishes its sessions and stops.
    Draining,
    /// It is ready, but not for long enough.
    Ready,
    /// It was asked for and is not ready yet.
    Launching,
    /// It was ready, and now nobody knows.
    Suspect,
    /// It was given up.
    Broken,
}

/// One instance, as far as a viewer cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// What it runs.
    pub image: Digest,
    /// How it stands.
    pub stand: Stand,
}

/// The instances of one rollout, followed through the records of its journal.
///
/// The controller's own state is the fold of the same records. A viewer needs less of it: who sits where, and how.
#[derive(Clone, Debug)]
pub struct Board {
    spec: RolloutSpec,
    wanted: Digest,
    seats: BTreeMap<Seat, Cell>,
    /// Which seat an operation is about: outcomes name only the operation.
    operations: BTreeMap<OpId, Seat>,
    failed: u32,
}

impl Board {
    /// The board of a rollout that stands like this.
    #[must_use]
    pub fn of(state: &RolloutState) -> Self {
        let seats = state.members().map(|member| (member.seat, cell_of(&member))).collect();
        let seat_of = |(op, open): (OpId, &OpenOp)| match open {
            OpenOp::Launch { seat, .. } | OpenOp::Retire { seat, .. } => Some((op, *seat)),
            _ => None,
        };
        let operations = state.open_ops().filter_map(seat_of).collect();
        Self { spec: state.spec().clone(), wanted: state.wanted(), seats, operations, failed: 0 }
    }

    /// Takes in the next record.
    pub fn apply(&mut self, record: &Record) {
        match record {
            Record::Intent { op, intent: Intent::Launch { seat, image, .. } } => {
                self.operations.insert(*op, *seat);
                self.seats.insert(*seat, Cell { image: *image, stand: Stand::Launching });
            }
            Record::Intent { op, intent: Intent::Retire { seat } } => {
                self.operations.insert(*op, *seat);
                // A broken one is shown as broken to its end: that it is drained too is no news.
                self.stand(*seat, |stand| if stand == Stand::Broken { stand } else { Stand::Draining });
            }
            Record::Outcome { op, outcome: Outcome::Gone } => {
                self.leave(*op);
            }
            Record::Outcome { op, outcome: Outcome::Failed { .. } } => {
                self.failed += 1;
                self.leave(*op);
            }
            Record::Fact(Fact::Observed { seat, observation }) => {
                let becomes = match observation {
                    Observation::Ready { .. } => Stand::Ready,
                    Observation::Available => Stand::Available,
                    Observation::Suspect => Stand::Suspect,
                    Observation::Broken(cause) => {
                        self.failed += u32::from(*cause != Cause::Missing && self.runs_target(*seat));
                        Stand::Broken
                    }
                    _ => return,
                };
                self.stand(*seat, |_| becomes);
            }
            Record::Fact(Fact::Found { seat, instance }) => {
                let stand = if instance.is_ready() { Stand::Available } else { Stand::Launching };
                self.seats.insert(*seat, Cell { image: instance.image, stand });
            }
            Record::TurnBack { .. } => self.wanted = self.spec.previous.unwrap_or(self.wanted),
            _ => {}
        }
    }

    /// What the rollout pinned.
    #[must_use]
    pub const fn spec(&self) -> &RolloutSpec {
        &self.spec
    }

    /// The image every instance shall run in the end.
    #[must_use]
    pub const fn wanted(&self) -> Digest {
        self.wanted
    }

    /// How many instances exist.
    #[must_use]
    pub fn total(&self) -> usize {
        self.seats.len()
    }

    /// How many instances serve.
    #[must_use]
    pub fn available(&self) -> usize {
        self.seats.values().filter(|cell| cell.stand == Stand::Available).count()
    }

    /// How many instances of the wanted image serve.
    #[must_use]
    pub fn updated(&self) -> usize {
        let done = |cell: &&Cell| cell.stand == Stand::Available && cell.image == self.wanted;
        self.seats.values().filter(done).count()
    }

    /// How many instances of the target have failed.
    #[must_use]
    pub const fn failed(&self) -> u32 {
        self.failed
    }

    /// The seat that an operation under way is about.
    #[must_use]
    pub fn seat_of(&self, op: OpId) -> Option<Seat> {
        self.operations.get(&op).copied()
    }

    /// The zones in their order, each with what its slots show: `None` for an empty one.
    #[must_use]
    pub fn rows(&self) -> Vec<(Zone, Vec<Option<Cell>>)> {
        let mut rows: Vec<(Zone, Vec<_>)> =
            self.spec.zones.iter().map(|zone| (zone.clone(), Vec::new())).collect();
        let mut slots: BTreeSet<Slot> = (0..self.spec.budget.desired).map(Slot).collect();
        slots.extend(self.seats.keys().map(|seat| seat.slot));
        for slot in slots {
            let zone = self.spec.zone_of(slot);
            if let Some((_, cells)) = rows.iter_mut().find(|(name, _)| name == zone) {
                cells.push(self.cell(slot));
            }
        }
        rows
    }

    /// Of several instances in a slot the one in the most interesting state.
    fn cell(&self, slot: Slot) -> Option<Cell> {
        let all = self.seats.range(Seat::new(slot.0, 0)..=Seat::new(slot.0, u32::MAX));
        all.map(|(_, cell)| *cell).max_by_key(|cell| cell.stand)
    }

    fn runs_target(&self, seat: Seat) -> bool {
        self.seats.get(&seat).is_some_and(|cell| cell.image == self.spec.target)
    }

    fn stand(&mut self, seat: Seat, change: impl FnOnce(Stand) -> Stand) {
        if let Some(cell) = self.seats.get_mut(&seat) {
            cell.stand = change(cell.stand);
        }
    }

    fn leave(&mut self, op: OpId) {
        if let Some(seat) = self.operations.remove(&op) {
            self.seats.remove(&seat);
        }
    }
}

fn cell_of(member: &Member<'_>) -> Cell {
    let stand = match member.condition {
        Condition::Launching { .. } => Stand::Launching,
        Condition::Ready { .. } => Stand::Ready,
        Condition::Available => Stand::Available,
        Condition::Suspect { .. } => Stand::Suspect,
        Condition::Broken => Stand::Broken,
        Condition::Retiring { .. } => Stand::Draining,
    };
    Cell { image: member.image, stand }
}
