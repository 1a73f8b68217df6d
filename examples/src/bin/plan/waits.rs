use std::collections::BTreeMap;
use std::time::Duration;

use immutable_core::limits::Tokens;
use immutable_core::plan::{Plan, PlannedEvent, PlannedStep, Seat};
use immutable_core::{Slot, Timestamp};

use crate::output::{WaitsFor, gate};
use crate::replay::Member;

/// The shortest time, to look at the moment before a moment.
const INSTANT: Duration = Duration::from_nanos(1);

/// Finds out what each step of a plan waits for, from the time line and the limits alone.
///
/// A launch needs room: after so many launches, so many instances must be gone. A retirement needs enough others that are
/// available. Which of them it was is what the time line says; in a real rollout another may be the earlier one.
#[derive(Debug)]
pub(crate) struct Waits<'a> {
    plan: &'a Plan,
    /// At the start.
    available: u32,
    total: u32,
    launched: BTreeMap<Seat, usize>,
    retired: BTreeMap<Seat, usize>,
    /// The steps of these kinds so far, in order.
    gone: Vec<usize>,
    became_available: Vec<usize>,
    /// How many of the retired ones served.
    served: usize,
    /// When each step happens.
    times: Vec<Duration>,
    /// The last one that went from each slot.
    vacated: BTreeMap<Slot, usize>,
    /// The step with which the current stage began; none for the first.
    stage: Option<usize>,
    /// The last step that lets others happen, and its time.
    trigger: Option<(usize, Duration)>,
    tokens: Option<Tokens>,
    /// The last moment at which a launch had to wait for the launch rate.
    starved: Option<Duration>,
}

impl<'a> Waits<'a> {
    pub(crate) fn new(plan: &'a Plan, available: u32, total: u32) -> Self {
        Self {
            plan,
            times: plan.timeline.iter().map(|step| step.at).collect(),
            available,
            total,
            launched: BTreeMap::new(),
            retired: BTreeMap::new(),
            gone: Vec::new(),
            became_available: Vec::new(),
            served: 0,
            vacated: BTreeMap::new(),
            stage: None,
            trigger: None,
            tokens: plan.spec.limits.launch_rate.map(|rate| Tokens::full(&rate, plan.as_of)),
            starved: None,
        }
    }

    /// What the next step waits for. `member` is what it happens to, as it was before.
    pub(crate) fn of(&mut self, id: usize, planned: &PlannedStep, member: Option<&Member>) -> Vec<WaitsFor> {
        let at = planned.at;
        let mut waits = Vec::new();
        match &planned.event {
            PlannedEvent::Launch { seat, .. } => {
                self.launched.insert(*seat, id);
                waits.extend(self.room());
                let vacated = self.vacated.get(&seat.slot).copied();
                waits.extend(vacated.filter(|_| self.owns_volume(seat.slot)).map(WaitsFor::Step));
                waits.extend(self.rate(at));
                self.act(&mut waits, at);
            }
            PlannedEvent::Retire { seat } => {
                self.retired.insert(*seat, id);
                // One that does not serve costs nothing.
                if member.is_some_and(|member| member.serves) {
                    self.served += 1;
                    waits.extend(self.others());
                }
                self.act(&mut waits, at);
            }
            PlannedEvent::Shift { .. } => self.act(&mut waits, at),
            PlannedEvent::Available { seat } => {
                let launch = self.launched.get(seat).copied();
                waits.extend(launch.map(WaitsFor::Step));
                if !member.is_some_and(|member| member.ready) {
                    waits.push(WaitsFor::Ready(self.plan.estimates.launch_to_ready));
                }
                let min_ready = self.plan.spec.limits.min_ready;
                waits.extend((!min_ready.is_zero()).then_some(WaitsFor::MinReady(min_ready)));
                self.became_available.push(id);
                self.trigger = Some((id, at));
            }
            PlannedEvent::Gone { seat } => {
                waits.extend(self.retired.get(seat).copied().map(WaitsFor::Step));
                waits.push(WaitsFor::Drain(self.plan.estimates.drain_to_gone));
                self.gone.push(id);
                self.vacated.insert(seat.slot, id);
                self.trigger = Some((id, at));
            }
            PlannedEvent::Stage { stage } => {
                // A stage is complete when everything before is done.
                waits.extend(id.checked_sub(1).map(WaitsFor::Step));
                let before = stage.checked_sub(1).and_then(|before| self.plan.spec.stages.get(before));
                waits.extend(before.into_iter().flat_map(|stage| stage.gates.iter().filter_map(gate)));
                waits.extend(self.window(at));
                self.stage = Some(id);
                self.trigger = Some((id, at));
            }
            _ => {}
        }
        waits
    }

    /// What holds for everything that the rollout does by itself.
    fn act(&self, waits: &mut Vec<WaitsFor>, at: Duration) {
        waits.extend(self.stage.map(WaitsFor::Step));
        waits.extend(self.window(at));
        // Whatever else held it back, a zone, the order or the traffic, this let it go.
        let at_once = |wait: &WaitsFor| match wait {
            WaitsFor::Step(step) => self.times.get(*step) == Some(&at),
            WaitsFor::Window(_) | WaitsFor::LaunchRate(_) => true,
            WaitsFor::Ready(_)
            | WaitsFor::MinReady(_)
            | WaitsFor::Drain(_)
            | WaitsFor::Bake(_)
            | WaitsFor::Approval(_)
            | WaitsFor::Check(_) => false,
        };
        if !at.is_zero() && !waits.iter().any(at_once) {
            let trigger = self.trigger.filter(|(_, when)| *when == at);
            waits.extend(trigger.map(|(step, _)| WaitsFor::Step(step)));
        }
        let mut seen = Vec::new();
        waits.retain(|wait| {
            let new = !seen.contains(wait);
            seen.push(wait.clone());
            new
        });
    }

    /// The instance that must be gone, so that one more may exist.
    fn room(&self) -> Option<WaitsFor> {
        let most = self.plan.spec.budget.max_total() as usize;
        let needed = (self.total as usize + self.launched.len()).checked_sub(most)?;
        self.gone.get(needed.checked_sub(1)?).copied().map(WaitsFor::Step)
    }

    /// The instance that must be available, so that one fewer may be.
    fn others(&self) -> Option<WaitsFor> {
        let fewest = self.plan.spec.budget.min_available() as usize;
        let needed = (fewest + self.served).checked_sub(self.available as usize)?;
        self.became_available.get(needed.checked_sub(1)?).copied().map(WaitsFor::Step)
    }

    fn owns_volume(&self, slot: Slot) -> bool {
        // Sorted by seats, and the first of a slot has attempt 0.
        let found = self.plan.initial.binary_search_by_key(&Seat::new(slot.0, 0), |adopted| adopted.seat);
        found.is_ok_and(|index| self.plan.initial[index].instance.standing.volume)
    }

    /// Takes a token.
    fn rate(&mut self, at: Duration) -> Option<WaitsFor> {
        let rate = self.plan.spec.limits.launch_rate?;
        let now = self.now(at);
        let tokens = self.tokens.unwrap_or_else(|| Tokens::full(&rate, now));
        if !at.is_zero() && tokens.available(&rate, now.saturating_sub(INSTANT)) == 0 {
            self.starved = Some(at);
        }
        self.tokens = Some(tokens.take(&rate, now));
        (self.starved == Some(at)).then_some(WaitsFor::LaunchRate(now))
    }

    /// The opening of the calendar, if it opens right then.
    fn window(&self, at: Duration) -> Option<WaitsFor> {
        let calendar = self.plan.spec.calendar.as_ref()?;
        let seed = self.plan.spec.calendar_seed();
        let now = self.now(at);
        let opens = !at.is_zero() && !calendar.is_open(now.saturating_sub(INSTANT), seed);
        opens.then_some(WaitsFor::Window(now))
    }

    fn now(&self, at: Duration) -> Timestamp {
        self.plan.as_of + at
    }
}
