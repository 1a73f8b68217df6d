//! Which slot an instance gets that was there before the rollout.

use std::sync::Arc;

use crate::fleet::{Instance, Phase};
use crate::id::Zone;
use crate::plan::{RolloutSpec, Seat};

const NOBODY: u32 = u32::MAX;

/// The instances that count, in order of their seats.
///
/// As many as are desired get a slot each: the one it was launched for if that is free, else a free one of its zone, else
/// any free one. Those that are too many get surplus ones.
pub(super) fn seating<'i>(
    spec: &RolloutSpec,
    instances: &'i [Arc<Instance>],
    counts: impl Fn(&Instance) -> bool,
    is_asked: impl Fn(&Instance) -> bool,
) -> impl Iterator<Item = (Seat, &'i Arc<Instance>)> {
    let mut room = spec.budget.desired as usize;
    let mut occupants: Vec<u32> = vec![NOBODY; room];
    let (mut moving, mut surplus) = (Vec::new(), Vec::new());
    for turn in turns(spec, instances, counts, is_asked) {
        let mut homeless = Vec::new();
        for number in turn {
            let origin = instances[number as usize].origin.as_ref();
            match origin.and_then(|origin| occupants.get_mut(origin.slot.0 as usize)) {
                Some(occupant) if *occupant == NOBODY && room > 0 => {
                    *occupant = number;
                    room -= 1;
                }
                _ => homeless.push(number),
            }
        }
        let stay = room.min(homeless.len());
        room -= stay;
        surplus.extend(homeless.drain(stay..));
        moving.append(&mut homeless);
    }
    let mut free = FreeSlots::new(spec, &occupants);
    for number in moving {
        match free.take(&instances[number as usize].zone) {
            Some(slot) => occupants[slot as usize] = number,
            None => surplus.push(number),
        }
    }
    occupants.append(&mut surplus);
    (0_u32..)
        .zip(occupants)
        .filter(|(_, number)| *number != NOBODY)
        .map(|(slot, number)| (Seat::new(slot, 0), &instances[number as usize]))
}

/// The instances that count, by numbers, which take half the room of references, in the turns in which they choose.
///
/// Those of the target first: they are to stay; then those that are ready. Where some are too many, those whose
/// replacement is asked for come after all others, so that they leave without a successor. Those that have ended are
/// always last, so that none of them takes a slot from one that could stay in it.
fn turns(
    spec: &RolloutSpec,
    instances: &[Arc<Instance>],
    counts: impl Fn(&Instance) -> bool,
    is_asked: impl Fn(&Instance) -> bool,
) -> [Vec<u32>; 6] {
    let mut turns: [Vec<u32>; 6] = Default::default();
    let target = spec.target;
    for (number, instance) in (0_u32..).zip(instances) {
        if counts(instance) {
            let turn = match instance.phase {
                Phase::Stopping | Phase::Stopped { .. } => 5,
                Phase::Launching | Phase::Running(_) => {
                    2 * usize::from(instance.image != target) + usize::from(!instance.is_ready())
                }
            };
            turns[turn].push(number);
        }
    }
    let [running @ .., asked, _] = &mut turns;
    if running.iter().map(Vec::len).sum::<usize>() > spec.budget.desired as usize {
        for turn in running {
            asked.extend(turn.extract_if(.., |number| is_asked(&instances[*number as usize])));
        }
    }
    turns
}

/// The desired slots that nobody has, by zone.
struct FreeSlots<'s> {
    /// In order of the names of the zones, the highest slot of each first.
    by_zone: Vec<(&'s Zone, Vec<u32>)>,
    /// Which zone a stored name is: most instances of a zone share one.
    seen: Vec<(*const u8, usize)>,
}

/// So many stored names of each zone are remembered.
const NAMES: usize = 2;

impl<'s> FreeSlots<'s> {
    fn new(spec: &'s RolloutSpec, occupants: &[u32]) -> Self {
        let mut names: Vec<&Zone> = spec.zones.iter().collect();
        names.sort_unstable();
        names.dedup();
        let places: Vec<usize> =
            spec.zones.iter().filter_map(|zone| names.binary_search(&zone).ok()).collect();
        let mut by_zone: Vec<(&Zone, Vec<u32>)> = names.into_iter().map(|zone| (zone, Vec::new())).collect();
        let zones = places.iter().cycle();
        for ((slot, occupant), place) in (0_u32..).zip(occupants).zip(zones) {
            if *occupant == NOBODY {
                by_zone[*place].1.push(slot);
            }
        }
        by_zone.iter_mut().for_each(|(_, slots)| slots.reverse());
        Self { by_zone, seen: Vec::new() }
    }

    /// The lowest slot of a zone; if it has none, of the first zone that has one.
    fn take(&mut self, zone: &Zone) -> Option<u32> {
        let own = self.place(zone);
        own.and_then(|at| self.by_zone[at].1.pop())
            .or_else(|| self.by_zone.iter_mut().find_map(|(_, slots)| slots.pop()))
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
