use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{PlannedEvent, PlannedStep, Seat};
use crate::digest::Digest;
use crate::id::{Attempt, Slot, Zone};
use crate::strategy::Share;

/// What will happen, in order of time: a list of [`PlannedStep`]s, which are made when they are asked for.
///
/// Most steps differ from the one before by their slot only, so it is stored as runs of equal steps with their slots, and
/// a step of a large rollout takes four bytes instead of eighty. Its stored form is the list of the steps.
///
/// ```
/// use std::time::Duration;
/// use immutable_core::plan::{PlannedEvent, PlannedStep, Seat, Timeline};
///
/// let gone = |slot| PlannedEvent::Gone { seat: Seat::new(slot, 0) };
/// let steps = [0, 1].map(|slot| PlannedStep { at: Duration::from_secs(5), event: gone(slot) });
/// let timeline: Timeline = steps.iter().cloned().collect();
/// assert_eq!(timeline.len(), 2);
/// assert!(timeline.iter().eq(steps));
/// ```
#[derive(Clone, Default)]
pub struct Timeline {
    runs: Vec<Run>,
    /// The slots of all runs that have slots, one after the other.
    slots: Vec<u32>,
    /// The zone of each launch, one after the other.
    zones: Vec<u32>,
    /// How many of the runs have no slot.
    others: usize,
    zone_names: Vec<Zone>,
    images: Vec<Digest>,
}

/// Equal steps, but for their slots.
#[derive(Clone, Copy)]
struct Run {
    at: Duration,
    what: What,
    /// How many steps, how many slots, and how many launches come before it.
    steps: u32,
    slots: u32,
    launches: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Launch { attempt: u32, image: u32 },
    Available { attempt: u32 },
    Retire { attempt: u32 },
    Gone { attempt: u32 },
    Shift { share: Share },
    Stage { stage: usize },
}

/// Four billion steps would take sixteen gigabytes.
fn small(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

impl Timeline {
    /// How many steps.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len() + self.others
    }

    /// Whether nothing happens.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The steps, in order.
    pub fn iter(&self) -> impl Iterator<Item = PlannedStep> {
        self.runs.iter().enumerate().flat_map(move |(number, run)| {
            let end = match run.what {
                // One step, which has no slot.
                What::Shift { .. } | What::Stage { .. } => run.slots as usize + 1,
                _ => self.runs.get(number + 1).map_or(self.slots.len(), |next| next.slots as usize),
            };
            (run.slots as usize..end).map(move |at| PlannedStep { at: run.at, event: self.event(run, at) })
        })
    }

    /// The step of this number, from 0. Takes the logarithm of the number of runs.
    #[must_use]
    pub fn get(&self, step: usize) -> Option<PlannedStep> {
        if step >= self.len() {
            return None;
        }
        let number = self.runs.partition_point(|run| run.steps as usize <= step).checked_sub(1)?;
        let run = &self.runs[number];
        let at = run.slots as usize + step - run.steps as usize;
        Some(PlannedStep { at: run.at, event: self.event(run, at) })
    }

    /// The last step.
    #[must_use]
    pub fn last(&self) -> Option<PlannedStep> {
        self.get(self.len().checked_sub(1)?)
    }

    fn event(&self, run: &Run, at: usize) -> PlannedEvent {
        let seat = |attempt| Seat { slot: Slot(self.slots[at]), attempt: Attempt(attempt) };
        match run.what {
            What::Launch { attempt, image } => {
                let zone = self.zones[run.launches as usize + at - run.slots as usize];
                PlannedEvent::Launch {
                    seat: seat(attempt),
                    zone: self.zone_names[zone as usize].clone(),
                    image: self.images[image as usize],
                }
            }
            What::Available { attempt } => PlannedEvent::Available { seat: seat(attempt) },
            What::Retire { attempt } => PlannedEvent::Retire { seat: seat(attempt) },
            What::Gone { attempt } => PlannedEvent::Gone { seat: seat(attempt) },
            What::Shift { share } => PlannedEvent::Shift { share },
            What::Stage { stage } => PlannedEvent::Stage { stage },
        }
    }

    /// An empty one with room for so many steps.
    pub(crate) fn with_capacity(steps: usize) -> Self {
        Self { slots: Vec::with_capacity(steps), zones: Vec::with_capacity(steps / 4), ..Self::default() }
    }

    /// Sets the names behind the numbers that [`launch`](Self::launch) was called with, and gives back unused memory.
    pub(crate) fn finish(mut self, zones: &[Zone], images: &[Digest]) -> Self {
        self.zone_names = zones.to_vec();
        self.images = images.to_vec();
        self.shrink();
        self
    }

    fn shrink(&mut self) {
        self.runs.shrink_to_fit();
        self.slots.shrink_to_fit();
        self.zones.shrink_to_fit();
    }

    pub(crate) fn launch(
        &mut self,
        at: Duration,
        attempt: Attempt,
        image: u32,
        slots: impl Iterator<Item = (Slot, u32)>,
    ) {
        self.go_on(at, What::Launch { attempt: attempt.0, image });
        for (slot, zone) in slots {
            self.slots.push(slot.0);
            self.zones.push(zone);
        }
    }

    pub(crate) fn available(&mut self, at: Duration, attempt: Attempt, slots: impl Iterator<Item = Slot>) {
        self.seated(at, What::Available { attempt: attempt.0 }, slots);
    }

    pub(crate) fn retire(&mut self, at: Duration, attempt: Attempt, slots: impl Iterator<Item = Slot>) {
        self.seated(at, What::Retire { attempt: attempt.0 }, slots);
    }

    pub(crate) fn gone(&mut self, at: Duration, attempt: Attempt, slots: impl Iterator<Item = Slot>) {
        self.seated(at, What::Gone { attempt: attempt.0 }, slots);
    }

    pub(crate) fn shift(&mut self, at: Duration, share: Share) {
        self.begin(at, What::Shift { share });
        self.others += 1;
    }

    pub(crate) fn stage(&mut self, at: Duration, stage: usize) {
        self.begin(at, What::Stage { stage });
        self.others += 1;
    }

    fn seated(&mut self, at: Duration, what: What, slots: impl Iterator<Item = Slot>) {
        self.go_on(at, what);
        self.slots.extend(slots.map(|slot| slot.0));
    }

    fn go_on(&mut self, at: Duration, what: What) {
        if self.runs.last().is_none_or(|run| run.what != what || run.at != at) {
            self.begin(at, what);
        }
    }

    fn begin(&mut self, at: Duration, what: What) {
        let (steps, slots, launches) = (small(self.len()), small(self.slots.len()), small(self.zones.len()));
        self.runs.push(Run { at, what, steps, slots, launches });
    }
}

fn number<T: PartialEq>(known: &mut Vec<T>, wanted: T) -> u32 {
    let at = known.iter().position(|known| *known == wanted).unwrap_or_else(|| {
        known.push(wanted);
        known.len() - 1
    });
    small(at)
}

impl FromIterator<PlannedStep> for Timeline {
    fn from_iter<I: IntoIterator<Item = PlannedStep>>(steps: I) -> Self {
        let mut timeline = Self::default();
        for PlannedStep { at, event } in steps {
            match event {
                PlannedEvent::Launch { seat, zone, image } => {
                    let zone = number(&mut timeline.zone_names, zone);
                    let image = number(&mut timeline.images, image);
                    timeline.launch(at, seat.attempt, image, std::iter::once((seat.slot, zone)));
                }
                PlannedEvent::Available { seat } => {
                    timeline.available(at, seat.attempt, std::iter::once(seat.slot));
                }
                PlannedEvent::Retire { seat } => {
                    timeline.retire(at, seat.attempt, std::iter::once(seat.slot));
                }
                PlannedEvent::Gone { seat } => timeline.gone(at, seat.attempt, std::iter::once(seat.slot)),
                PlannedEvent::Shift { share } => timeline.shift(at, share),
                PlannedEvent::Stage { stage } => timeline.stage(at, stage),
            }
        }
        timeline.shrink();
        timeline
    }
}

impl PartialEq for Timeline {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl Eq for Timeline {}

impl fmt::Debug for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl Serialize for Timeline {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Timeline {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self::from_iter)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_event() -> impl Strategy<Value = PlannedEvent> {
        let seat = || (0_u32..9, 0_u32..2).prop_map(|(slot, attempt)| Seat::new(slot, attempt));
        prop_oneof![
            (seat(), 0_u8..3, 0_u8..2).prop_map(|(seat, zone, image)| PlannedEvent::Launch {
                seat,
                zone: Zone::new(format!("z{zone}")).unwrap(),
                image: Digest::of(&[image]),
            }),
            seat().prop_map(|seat| PlannedEvent::Available { seat }),
            seat().prop_map(|seat| PlannedEvent::Retire { seat }),
            seat().prop_map(|seat| PlannedEvent::Gone { seat }),
            Just(PlannedEvent::Shift { share: Share::ALL }),
            (0_usize..3).prop_map(|stage| PlannedEvent::Stage { stage }),
        ]
    }

    proptest! {
        /// It is the list of its steps: one by one, by number, and in its stored form.
        #[test]
        fn is_the_list_of_its_steps(
            events in prop::collection::vec((0_u64..3, 1_usize..4, any_event()), 0..30),
        ) {
            let mut steps = Vec::new();
            for (secs, times, event) in events {
                // The same again and again, so that runs are long and short.
                let step = PlannedStep { at: Duration::from_secs(secs), event };
                steps.extend(std::iter::repeat_n(step, times));
            }
            let timeline: Timeline = steps.iter().cloned().collect();
            prop_assert_eq!(timeline.len(), steps.len());
            prop_assert_eq!(timeline.iter().collect::<Vec<_>>(), steps.clone());
            for number in 0..=steps.len() {
                prop_assert_eq!(timeline.get(number), steps.get(number).cloned());
            }
            prop_assert_eq!(timeline.last(), steps.last().cloned());
            let stored = serde_json::to_string(&timeline).unwrap();
            prop_assert_eq!(&stored, &serde_json::to_string(&steps).unwrap());
            prop_assert_eq!(serde_json::from_str::<Timeline>(&stored).unwrap(), timeline);
        }
    }
}
