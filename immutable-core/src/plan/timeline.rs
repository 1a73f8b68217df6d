use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{PlannedEvent, PlannedStep, Seat};
use crate::digest::Digest;
use crate::id::{Attempt, Slot, Zone};
use crate::strategy::Share;

/// What will happen, in order of time: a list of [`PlannedStep`]s, which are made when they are asked for.
///
/// Most steps differ from the one before by their slot only, and slots are worked off in one order again and again. So the
/// order is stored once, and the steps as runs of equal ones over stretches of it. Its stored form is the list of the steps.
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
    /// The stretches of all runs, one after the other.
    stretches: Vec<Stretch>,
    /// How many steps.
    len: usize,
    /// The slots in order; the steps of a stretch are of those that follow each other here.
    order: Arc<Vec<u32>>,
    /// The zone of what is launched at each place of the order; those that are not listed are launched in the zone that
    /// their slot belongs to.
    zones: Vec<u32>,
    zone_names: Vec<Zone>,
    images: Vec<Digest>,
}

/// Equal steps, but for their slots.
#[derive(Clone, Copy)]
struct Run {
    at: Duration,
    what: What,
    /// How many stretches come before its own.
    stretches: u32,
}

/// Steps of slots that follow each other in the order, or one step that has no slot.
#[derive(Clone, Copy)]
struct Stretch {
    /// How many steps come before it.
    steps: u32,
    /// Where in the order it begins.
    from: u32,
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

/// No plan has four billion steps.
fn small(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

impl Timeline {
    /// How many steps.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing happens.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The steps, in order.
    pub fn iter(&self) -> impl Iterator<Item = PlannedStep> {
        self.runs.iter().enumerate().flat_map(move |(number, run)| {
            let end = self.runs.get(number + 1).map_or(self.stretches.len(), |next| next.stretches as usize);
            (run.stretches as usize..end).flat_map(move |stretch| {
                let Stretch { steps, from } = self.stretches[stretch];
                let end = self.stretches.get(stretch + 1).map_or(self.len, |next| next.steps as usize);
                let places = from as usize..from as usize + (end - steps as usize);
                places.map(move |place| PlannedStep { at: run.at, event: self.event(run.what, place) })
            })
        })
    }

    /// The step of this number, from 0. Takes the logarithm of the number of runs.
    #[must_use]
    pub fn get(&self, step: usize) -> Option<PlannedStep> {
        if step >= self.len {
            return None;
        }
        let begun = self.stretches.partition_point(|stretch| stretch.steps as usize <= step);
        let stretch = self.stretches[begun.checked_sub(1)?];
        let run = self.runs.partition_point(|run| (run.stretches as usize) < begun).checked_sub(1)?;
        let Run { at, what, .. } = self.runs[run];
        let place = stretch.from as usize + step - stretch.steps as usize;
        Some(PlannedStep { at, event: self.event(what, place) })
    }

    /// The last step.
    #[must_use]
    pub fn last(&self) -> Option<PlannedStep> {
        self.get(self.len.checked_sub(1)?)
    }

    /// What happens to the slot at a place of the order.
    fn event(&self, what: What, place: usize) -> PlannedEvent {
        let seat = |attempt| Seat { slot: Slot(self.order[place]), attempt: Attempt(attempt) };
        match what {
            What::Launch { attempt, image } => {
                let seat = seat(attempt);
                let zone = self.zones.get(place).copied().unwrap_or(seat.slot.0);
                PlannedEvent::Launch {
                    seat,
                    zone: self.zone_names[zone as usize % self.zone_names.len()].clone(),
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

    /// Sets the names behind the numbers that it was made with, and the order; gives back unused memory. The zone that a slot
    /// belongs to is its number modulo that of the zones.
    pub(crate) fn finish(mut self, order: Arc<Vec<u32>>, zones: &[Zone], images: &[Digest]) -> Self {
        self.order = order;
        self.zone_names = zones.to_vec();
        self.images = images.to_vec();
        self.shrink();
        self
    }

    fn shrink(&mut self) {
        self.runs.shrink_to_fit();
        self.stretches.shrink_to_fit();
        self.zones.shrink_to_fit();
    }

    pub(crate) fn launch(
        &mut self,
        at: Duration,
        attempt: Attempt,
        image: u32,
        places: impl Iterator<Item = Range<u32>>,
    ) {
        self.go_on(at, What::Launch { attempt: attempt.0, image }, places);
    }

    pub(crate) fn available(
        &mut self,
        at: Duration,
        attempt: Attempt,
        places: impl Iterator<Item = Range<u32>>,
    ) {
        self.go_on(at, What::Available { attempt: attempt.0 }, places);
    }

    pub(crate) fn retire(
        &mut self,
        at: Duration,
        attempt: Attempt,
        places: impl Iterator<Item = Range<u32>>,
    ) {
        self.go_on(at, What::Retire { attempt: attempt.0 }, places);
    }

    pub(crate) fn gone(&mut self, at: Duration, attempt: Attempt, places: impl Iterator<Item = Range<u32>>) {
        self.go_on(at, What::Gone { attempt: attempt.0 }, places);
    }

    pub(crate) fn shift(&mut self, at: Duration, share: Share) {
        self.alone(at, What::Shift { share });
    }

    pub(crate) fn stage(&mut self, at: Duration, stage: usize) {
        self.alone(at, What::Stage { stage });
    }

    /// One step that has no slot.
    fn alone(&mut self, at: Duration, what: What) {
        self.begin(at, what);
        self.stretch(0..1);
    }

    fn begin(&mut self, at: Duration, what: What) {
        self.runs.push(Run { at, what, stretches: small(self.stretches.len()) });
    }

    /// The same happens at further places of the order.
    fn go_on(&mut self, at: Duration, what: What, places: impl Iterator<Item = Range<u32>>) {
        let goes_on = self.runs.last().is_some_and(|run| run.what == what && run.at == at);
        if !goes_on {
            self.begin(at, what);
        }
        let mut may_follow = goes_on;
        for places in places {
            let last = self.stretches.last().filter(|_| may_follow);
            let follows = |last: &Stretch| {
                last.from as usize + (self.len - last.steps as usize) == places.start as usize
            };
            if last.is_some_and(follows) {
                self.len += places.len();
            } else {
                self.stretch(places);
            }
            may_follow = true;
        }
    }

    fn stretch(&mut self, places: Range<u32>) {
        self.stretches.push(Stretch { steps: small(self.len), from: places.start });
        self.len += places.len();
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
        // The order is that of the steps.
        let (mut order, mut zones) = (Vec::new(), Vec::new());
        for PlannedStep { at, event } in steps {
            let (what, seat) = match event {
                PlannedEvent::Launch { seat, zone, image } => {
                    zones.resize(order.len(), 0);
                    zones.push(number(&mut timeline.zone_names, zone));
                    let image = number(&mut timeline.images, image);
                    (What::Launch { attempt: seat.attempt.0, image }, Some(seat))
                }
                PlannedEvent::Available { seat } => (What::Available { attempt: seat.attempt.0 }, Some(seat)),
                PlannedEvent::Retire { seat } => (What::Retire { attempt: seat.attempt.0 }, Some(seat)),
                PlannedEvent::Gone { seat } => (What::Gone { attempt: seat.attempt.0 }, Some(seat)),
                PlannedEvent::Shift { share } => (What::Shift { share }, None),
                PlannedEvent::Stage { stage } => (What::Stage { stage }, None),
            };
            let place = small(order.len());
            order.extend(seat.map(|seat| seat.slot.0));
            match seat {
                Some(_) => timeline.go_on(at, what, std::iter::once(place..place + 1)),
                None => timeline.alone(at, what),
            }
        }
        order.shrink_to_fit();
        timeline.order = Arc::new(order);
        timeline.zones = zones;
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
