//! Which slot an instance gets that was there before the rollout.

use std::ops::Range;
use std::sync::Arc;

use crate::fleet::{Instance, Phase};
use crate::id::Zone;
use crate::plan::{Adopted, RolloutSpec, Seat};
use crate::strategy::Reason;

const NOBODY: u32 = u32::MAX;

/// What there is to know of an instance before it has a seat; `None` if it does not count.
pub(super) type Judged = Option<Option<Reason>>;

/// The instances that count, in order of their seats; `judged` is what is known of each.
///
/// As many as are desired get a slot each: the one it was launched for if that is free, else a free one of its zone, else
/// any free one. Those that are too many get surplus ones.
pub(super) fn seating(spec: &RolloutSpec, instances: &[Arc<Instance>], judged: &[Judged]) -> Vec<Adopted> {
    let mut room = spec.budget.desired as usize;
    let mut occupants: Vec<u32> = vec![NOBODY; room];
    let (mut moving, mut surplus) = (Vec::with_capacity(room.min(instances.len())), Vec::new());
    let turns = turns(spec, instances, judged);
    for round in ROUNDS {
        let begin = moving.len();
        for turn in round.filter(|turn| turns.contains(turn)) {
            let of_turn = (0_u32..).zip(instances).zip(&turns).filter(|(_, other)| **other == turn);
            for ((number, instance), _) in of_turn {
                let origin = instance.origin.as_ref();
                match origin.and_then(|origin| occupants.get_mut(origin.slot.0 as usize)) {
                    Some(occupant) if *occupant == NOBODY && room > 0 => {
                        *occupant = number;
                        room -= 1;
                    }
                    _ => moving.push(number),
                }
            }
        }
        let stay = room.min(moving.len() - begin);
        room -= stay;
        surplus.extend(moving.drain(begin + stay..));
    }
    let mut free = FreeSlots::new(spec);
    for number in moving {
        match free.take(&occupants, &instances[number as usize].zone) {
            Some(slot) => occupants[slot as usize] = number,
            None => surplus.push(number),
        }
    }
    occupants.append(&mut surplus);
    let mut initial = Vec::with_capacity(instances.len());
    let seated = (0_u32..).zip(occupants).filter(|(_, number)| *number != NOBODY);
    initial.extend(seated.map(|(slot, number)| Adopted {
        seat: Seat::new(slot, 0),
        instance: Arc::clone(&instances[number as usize]),
        reason: judged[number as usize].flatten(),
    }));
    initial
}

/// Turns below this one are of those that run or will; so many later they come whose replacement is asked for.
const ASKED: u8 = 4;
const ENDED: u8 = 2 * ASKED;
/// The turn of those that do not count.
const NEVER: u8 = ENDED + 1;
/// Turns of one round choose together, one after the other.
const ROUNDS: [Range<u8>; 6] = [0..1, 1..2, 2..3, 3..ASKED, ASKED..ENDED, ENDED..NEVER];

/// The turn in which each instance chooses.
///
/// Those of the target first: they are to stay; then those that are ready. Where some are too many, those whose
/// replacement is asked for come after all others, so that they leave without a successor. Those that have ended are
/// always last, so that none of them takes a slot from one that could stay in it.
fn turns(spec: &RolloutSpec, instances: &[Arc<Instance>], judged: &[Judged]) -> Vec<u8> {
    let turn = |(instance, judged): (&Arc<Instance>, &Judged)| match instance.phase {
        _ if judged.is_none() => NEVER,
        Phase::Stopping | Phase::Stopped { .. } => ENDED,
        Phase::Launching | Phase::Running(_) => {
            2 * u8::from(instance.image != spec.target) + u8::from(!instance.is_ready())
        }
    };
    let mut turns: Vec<u8> = instances.iter().zip(judged).map(turn).collect();
    if turns.iter().filter(|turn| **turn < ASKED).count() > spec.budget.desired as usize {
        for (turn, judged) in turns.iter_mut().zip(judged).filter(|(turn, _)| **turn < ASKED) {
            *turn += if judged.flatten().is_some_and(Reason::is_asked) { ASKED } else { 0 };
        }
    }
    turns
}

/// The desired slots that nobody has, by zone.
struct FreeSlots<'s> {
    /// In order of the names of the zones: from which slot on one of the zone may be free.
    by_zone: Vec<(&'s Zone, u32)>,
    /// Slot k belongs to zone k modulo so many.
    zones: u32,
    /// Which zone a stored name is: most instances of a zone share one.
    seen: Vec<(*const u8, usize)>,
}

/// So many stored names of each zone are remembered.
const NAMES: usize = 2;

impl<'s> FreeSlots<'s> {
    fn new(spec: &'s RolloutSpec) -> Self {
        let mut by_zone: Vec<(&Zone, u32)> = spec.zones.iter().zip(0..).collect();
        by_zone.sort_unstable();
        let zones = u32::try_from(spec.zones.len()).unwrap_or(u32::MAX);
        Self { by_zone, zones, seen: Vec::new() }
    }

    /// The lowest slot of a zone that none of these has; if it has none, of the first zone that has one.
    fn take(&mut self, occupants: &[u32], zone: &Zone) -> Option<u32> {
        let zones = self.zones;
        let next = |(_, next): &mut (&Zone, u32)| {
            while let Some(occupant) = occupants.get(*next as usize) {
                let slot = *next;
                *next += zones;
                if *occupant == NOBODY {
                    return Some(slot);
                }
            }
            None
        };
        let own = self.place(zone).and_then(|at| next(&mut self.by_zone[at]));
        own.or_else(|| self.by_zone.iter_mut().find_map(next))
    }

    fn place(&mut self, zone: &Zone) -> Option<usize> {
        let stored = zone.as_str().as_ptr();
        if let Some((_, place)) = self.seen.iter().find(|(seen, _)| *seen == stored) {
            return Some(*place);
        }
        let place = self.by_zone.binary_search_by(|(name, _)| (*name).cmp(zone)).ok()?;
        if self.seen.len() < NAMES * self.by_zone.len() {
            self.seen.push((stored, place));
        }
        Some(place)
    }
}
