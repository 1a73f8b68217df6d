//! The kernel folded over a predicted world.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use super::board::{Board, Cell, CellId, Cohorts, Founding, Phase, Span, Tally};
use super::deadlock::deadlock;
use super::decide::choose;
use super::due::next_work;
use super::order::{Order, order};
use super::state::lanes_of;
use super::steps::Choice;
use super::{Decision, FailReason, IllegalTransition, RolloutState, explain, next_due};
use crate::gate::{GateSpec, Judgement, Verdict};
use crate::id::Attempt;
use crate::plan::{
    Adopted, Deadlock, Estimates, OnFailure, PlanReport, PlannedEvent, PlannedStep, RollbackPlan,
    RolloutSpec, Seat, Timeline,
};
use crate::time::Timestamp;

/// What will happen if nothing goes wrong.
pub(super) struct Forecast {
    pub(super) timeline: Timeline,
    /// When the last event happens.
    pub(super) makespan: Duration,
    /// Why it is not finished then, if it is not.
    pub(super) unfinished: Option<PlanReport>,
    /// What going back costs from each stage, where a failure leads back.
    pub(super) rollbacks: Vec<RollbackPlan>,
    /// The first stage from which there is no way back within the limits, and why.
    pub(super) stuck_back: Option<(usize, Deadlock)>,
}

/// What the predicted world does next, at its time, to the instances of this attempt in these slots.
struct Coming {
    what: What,
    attempt: Attempt,
    slots: Vec<Span>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Ready,
    Available,
    Gone,
}

/// What is kept of what happened.
enum Record {
    Nothing,
    /// Everything, and what going back would cost from each stage.
    All {
        timeline: Timeline,
        rollbacks: Vec<RollbackPlan>,
    },
    /// What a rollback costs.
    Cost(RollbackPlan),
}

/// A world in which launches succeed, become ready and leave as estimated, nobody fails, and gates pass as soon as their
/// time has come. It knows its instances by their seats only, and moves those that are alike together.
struct World {
    /// Its board has no instances; it has the counters of `fleet`.
    state: RolloutState,
    fleet: Cohorts,
    estimates: Estimates,
    start: Timestamp,
    now: Timestamp,
    coming: BTreeMap<Timestamp, Vec<Coming>>,
    record: Record,
    /// How much happened, and when the last of it.
    events: usize,
    last: Duration,
    /// More events than any rollout of this size has: only a defect of the kernel gets there.
    most_events: usize,
    unfinished: bool,
    /// The first stage from which going back would not come to its end.
    stranded: Option<Box<Stranded>>,
}

/// So often the clock may go on without anything happening: a calendar opens and closes for ever.
const MOST_IDLE: u32 = 1000;

/// Predicts the rollout.
pub(super) fn forecast(
    spec: RolloutSpec,
    initial: &[Adopted],
    start: Timestamp,
    estimates: &Estimates,
) -> Result<Forecast, IllegalTransition> {
    let mut state = RolloutState::empty(spec, start)?;
    let Order { slots, tiers } = order(&state.spec, initial);
    let (desired, lanes) = (state.spec.budget.desired, lanes_of(&state.spec));
    let mut tally = Tally::new(lanes > 0);
    let mut unsettled = Vec::new();
    let mut founding = Founding::of(desired, lanes, slots, tiers);
    let mut last: Option<&Adopted> = None;
    for adopted in initial {
        let instance = &adopted.instance;
        // Most serve and are like the one before.
        let is_like = |last: &Adopted| {
            let alike = (last.reason, last.instance.standing) == (adopted.reason, instance.standing);
            alike && last.instance.image == instance.image && state.serves(instance, start)
        };
        if last.is_some_and(is_like) && founding.found_again(adopted.seat.slot) {
            continue;
        }
        // Where nobody looks at zones, all of them are alike.
        let cell =
            if lanes > 0 { state.found_like(adopted, start)? } else { state.found_in(0, adopted, start)? };
        let is_available = cell.phase == Phase::Available;
        if !is_available {
            unsettled.push(cell);
        }
        last = is_available.then_some(adopted);
        founding.found(&cell, instance.standing.volume);
    }
    let fleet = founding.finish(&mut tally);
    *state.board.tally_mut() = tally;
    let mut world = World::new(state, fleet, *estimates, start);
    world.expect(&unsettled);
    world.record = Record::All { timeline: Timeline::default(), rollbacks: Vec::new() };
    world.run()?;
    let makespan = world.lasts();
    let stands_still = world.unfinished.then(|| world.one_by_one(&world.state, initial, world.events));
    let unfinished = stands_still.transpose()?.map(|state| explain(&state, world.now));
    let stuck_back = world.stuck_back(initial)?;
    let World { record, state, fleet, .. } = world;
    let (timeline, rollbacks) = match record {
        Record::All { timeline, rollbacks } => (timeline, rollbacks),
        Record::Nothing | Record::Cost(_) => (Timeline::default(), Vec::new()),
    };
    let timeline = timeline.finish(fleet.order(), &state.spec.zones, state.roster.images());
    Ok(Forecast { timeline, makespan, unfinished, rollbacks, stuck_back })
}

/// Whether a rollout that goes on from here comes to its end.
pub(super) fn finishes(state: RolloutState, now: Timestamp) -> bool {
    let mut world = World::from_here(state, Estimates::default(), now);
    world.run().is_ok() && !world.unfinished
}

/// Where going back would not come to its end.
struct Stranded {
    stage: usize,
    state: RolloutState,
    at: Timestamp,
    /// How much had happened until then.
    events: usize,
}

impl World {
    /// What will become of a state with its instances.
    fn from_here(mut state: RolloutState, estimates: Estimates, now: Timestamp) -> Self {
        let fleet = Cohorts::of(&state.board);
        let unsettled: Vec<Cell> =
            state.board.cells().filter(|cell| cell.phase != Phase::Available).copied().collect();
        state.board = state.board.without_instances();
        let mut world = Self::new(state, fleet, estimates, now);
        world.expect(&unsettled);
        world
    }

    /// What bars the way back, if it is barred: not so where it only waits for somebody.
    fn stuck_back(&self, initial: &[Adopted]) -> Result<Option<(usize, Deadlock)>, IllegalTransition> {
        let Some(stranded) = &self.stranded else { return Ok(None) };
        let Stranded { stage, state, at, events } = stranded.as_ref();
        let mut begun = self.one_by_one(state, initial, *events)?;
        begun.turned_back(FailReason::Requested, *at)?;
        let mut world = Self::from_here(begun.clone(), self.estimates, *at);
        world.record = Record::All { timeline: Timeline::default(), rollbacks: Vec::new() };
        world.run()?;
        let mut state = RolloutState { board: begun.board, ..world.state.clone() };
        world.replay_all(&mut state, world.events)?;
        Ok(deadlock(&state, world.now).map(|deadlock| (*stage, deadlock)))
    }

    fn new(state: RolloutState, fleet: Cohorts, estimates: Estimates, start: Timestamp) -> Self {
        Self {
            most_events: 1000 + fleet.len() * 32 + state.goal.stages.len() * 8,
            state,
            fleet,
            estimates,
            start,
            now: start,
            coming: BTreeMap::new(),
            record: Record::Nothing,
            events: 0,
            last: Duration::ZERO,
            unfinished: false,
            stranded: None,
        }
    }

    fn run(&mut self) -> Result<(), IllegalTransition> {
        self.unfinished = true;
        let mut idle = 0;
        while self.events < self.most_events && idle < MOST_IDLE {
            let before = self.events;
            self.state.windowed(self.state.calendar_is_open(self.now), self.now);
            self.state.settle(self.now);
            match choose(&self.state, &self.fleet, self.now) {
                Ok(choices) => {
                    self.act(&choices)?;
                    self.last = self.now.since(self.start);
                    continue;
                }
                Err(Decision::Wait | Decision::Act(_)) => {}
                // Failure is not predicted: a deadline that the estimates break ends the preview there.
                Err(Decision::TurnBack(_) | Decision::End(_)) => break,
                Err(Decision::Done(_) | Decision::NextTarget) => {
                    self.plan_rollback()?;
                    self.unfinished = false;
                    break;
                }
            }
            if self.pass_gates()? {
                continue;
            }
            let predicted = self.coming.first_key_value().map(|(at, _)| *at);
            let due = next_due(&self.state, self.now);
            // Nothing will happen any more but the deadline, or a calendar that opens and closes for ever.
            let works = predicted.is_some() || next_work(&self.state, self.now).is_some();
            if !works && (self.state.window_open || due.is_none()) {
                break;
            }
            let Some(next) = predicted.into_iter().chain(due).min() else { break };
            self.now = next;
            while let Some(entry) = self.coming.first_entry().filter(|entry| *entry.key() <= self.now) {
                let events = entry.remove();
                self.happen(events);
            }
            idle = if self.events == before { idle + 1 } else { 0 };
            self.last = if idle == 0 { self.now.since(self.start) } else { self.last };
        }
        Ok(())
    }

    /// How long until it is over. Where it waits for something that nobody can foretell, until the last that happens: how far
    /// the clock was turned to find that out is no prediction.
    fn lasts(&self) -> Duration {
        if self.unfinished { self.last } else { self.now.since(self.start) }
    }

    /// What going back would cost now that a stage is complete.
    fn plan_rollback(&mut self) -> Result<(), IllegalTransition> {
        let (stage, _) = self.state.stage();
        let goes_back = self.state.spec.on_failure == OnFailure::Rollback && self.state.way_back().is_some();
        let Record::All { rollbacks, .. } = &mut self.record else { return Ok(()) };
        if !goes_back || !self.state.is_forward() {
            return Ok(());
        }
        let (mut state, mut fleet) = (self.state.clone(), self.fleet.clone());
        state.turned_back(FailReason::Requested, self.now)?;
        let regroup = state.regrouping();
        fleet.regroup(state.board.tally_mut(), regroup);
        let mut world = Self::new(state, fleet, self.estimates, self.now);
        world.record = Record::Cost(RollbackPlan::new(stage));
        world.run()?;
        let waits = world.unfinished;
        if waits && self.stranded.is_none() {
            let (state, at, events) = (self.state.clone(), self.now, self.events);
            self.stranded = Some(Box::new(Stranded { stage, state, at, events }));
        }
        let lasts = world.lasts();
        let Self { record: Record::Cost(mut plan), state, .. } = world else { return Ok(()) };
        (plan.makespan, plan.waits) = (lasts, waits);
        if state.share.is_some() && plan.traffic_back.is_none() {
            plan.traffic_back = Some(Duration::ZERO);
        }
        rollbacks.push(plan);
        Ok(())
    }

    /// What is not available yet at the start; the way to ready is predicted like that of a launch.
    fn expect(&mut self, unsettled: &[Cell]) {
        if unsettled.is_empty() {
            return;
        }
        let ranks = self.fleet.ranks();
        for cell in unsettled.iter().filter(|cell| !cell.fixed && !cell.standby) {
            let (at, what) = match cell.phase {
                Phase::Launching | Phase::Suspect => (self.now + self.estimates.launch_to_ready, What::Ready),
                Phase::Ready => {
                    let at = cell.since + self.state.goal.limits.min_ready;
                    (at.max(self.now), What::Available)
                }
                Phase::Intended | Phase::Available | Phase::Broken | Phase::Retiring => continue,
            };
            let slots = Span::one(ranks[cell.seat.slot.0 as usize]);
            self.come(at, what, cell.seat.attempt, vec![slots]);
        }
    }

    fn act(&mut self, choices: &[Choice]) -> Result<(), IllegalTransition> {
        let at = self.now.since(self.start);
        for alike in choices.chunk_by(Choice::goes_on_with) {
            let mut slots: Vec<Span> = alike.iter().filter_map(Choice::slots).collect();
            let count = slots.iter().map(|span| span.len()).sum();
            match alike[0] {
                Choice::Launch { attempt, image, .. } => {
                    let image = self.state.roster.image(image)?;
                    // It gets the slots and zones of its places.
                    let cell = self.state.begun(Seat { attempt, ..Seat::new(0, 0) }, 0, image, self.now);
                    self.fleet.launch(self.state.board.tally_mut(), &mut slots, &cell);
                    self.state.spend(count, self.now);
                    self.happened(&slots, |timeline, places| {
                        timeline.launch(at, attempt, image.into(), places)
                    });
                    self.come(self.now + self.estimates.launch_to_ready, What::Ready, attempt, slots);
                    if let Record::Cost(plan) = &mut self.record {
                        plan.launches += count;
                    }
                }
                Choice::Retire { attempt, .. } => {
                    let picks_victim = self.state.spec.picks_victim;
                    self.fleet.change(self.state.board.tally_mut(), &mut slots, attempt, |cell| {
                        cell.retire(picks_victim, self.now);
                        true
                    });
                    self.state.begin_unless_closed();
                    self.happened(&slots, |timeline, places| timeline.retire(at, attempt, places));
                    self.come(self.now + self.estimates.drain_to_gone, What::Gone, attempt, slots);
                    if let Record::Cost(plan) = &mut self.record {
                        plan.retirements += count;
                    }
                }
                Choice::Shift { share } => {
                    self.state.shifted(share, self.now)?;
                    self.events += 1;
                    match &mut self.record {
                        Record::All { timeline, .. } => timeline.shift(at, share),
                        Record::Cost(plan) => plan.traffic_back = Some(at),
                        Record::Nothing => {}
                    }
                }
                Choice::Advance { stage } => {
                    self.plan_rollback()?;
                    self.state.advanced(stage, self.now)?;
                    self.events += 1;
                    if let Record::All { timeline, .. } = &mut self.record {
                        timeline.stage(at, stage);
                    }
                }
            }
        }
        Ok(())
    }

    fn come(&mut self, at: Timestamp, what: What, attempt: Attempt, mut slots: Vec<Span>) {
        let coming = self.coming.entry(at).or_default();
        match coming.last_mut() {
            Some(last) if (last.what, last.attempt) == (what, attempt) => last.slots.append(&mut slots),
            _ => coming.push(Coming { what, attempt, slots }),
        }
    }

    /// Keeps that something happened in these slots.
    fn happened(
        &mut self,
        slots: &[Span],
        record: impl FnOnce(&mut Timeline, &mut dyn Iterator<Item = Range<u32>>),
    ) {
        self.events += slots.iter().map(|span| span.len() as usize).sum::<usize>();
        if let Record::All { timeline, .. } = &mut self.record
            && !slots.is_empty()
        {
            record(timeline, &mut slots.iter().flat_map(|span| span.ranges()));
        }
    }

    /// What comes at one moment.
    fn happen(&mut self, events: Vec<Coming>) {
        let at = self.now.since(self.start);
        let available_at = self.now + self.state.goal.limits.min_ready;
        for Coming { what, attempt, mut slots } in events {
            let tally = self.state.board.tally_mut();
            // It may have been retired before it was ready.
            let enter = |from: &'static [Phase], to: Phase| {
                move |cell: &mut Cell| {
                    let enters = from.contains(&cell.phase);
                    if enters {
                        cell.enter(to, Timestamp::UNIX_EPOCH);
                    }
                    enters
                }
            };
            match what {
                What::Ready if available_at > self.now => {
                    let ready = enter(&[Phase::Launching, Phase::Suspect], Phase::Ready);
                    self.fleet.change(tally, &mut slots, attempt, ready);
                    if !slots.is_empty() {
                        self.come(available_at, What::Available, attempt, slots);
                    }
                }
                What::Ready | What::Available => {
                    let from: &[Phase] = if what == What::Ready {
                        &[Phase::Launching, Phase::Suspect]
                    } else {
                        &[Phase::Ready]
                    };
                    self.fleet.change(tally, &mut slots, attempt, enter(from, Phase::Available));
                    self.happened(&slots, |timeline, places| timeline.available(at, attempt, places));
                }
                What::Gone => {
                    let old = self.fleet.remove(tally, &mut slots, attempt);
                    self.state.replaced += u64::from(old);
                    self.happened(&slots, |timeline, places| timeline.gone(at, attempt, places));
                }
            }
        }
    }

    /// The state with every instance by itself, since when it is what it is: what an explanation is made from.
    fn one_by_one(
        &self,
        state: &RolloutState,
        initial: &[Adopted],
        events: usize,
    ) -> Result<RolloutState, IllegalTransition> {
        let mut state = state.clone();
        let Order { slots, tiers } = order(&state.spec, initial);
        state.board = Board::new(state.spec.budget.desired, lanes_of(&state.spec), slots, tiers);
        for adopted in initial {
            state.adopt(adopted, self.start)?;
        }
        state.board.sort();
        self.replay_all(&mut state, events)?;
        let ranks = self.fleet.ranks();
        let is_ready = |cell: &Cell| {
            self.fleet.phase(ranks[cell.seat.slot.0 as usize], cell.seat.attempt) == Some(Phase::Ready)
        };
        let launching = |cell: &Cell| matches!(cell.phase, Phase::Launching | Phase::Suspect);
        let entries = state.board.entries().filter(|(_, cell)| launching(cell) && is_ready(cell));
        let ready: Vec<(CellId, Timestamp)> =
            entries.map(|(id, cell)| (id, if cell.is_ours() { cell.since } else { self.start })).collect();
        for (id, since) in ready {
            state.board.enter(id, Phase::Ready, since + self.estimates.launch_to_ready);
        }
        Ok(state)
    }

    /// The first so many events.
    fn replay_all(&self, state: &mut RolloutState, events: usize) -> Result<(), IllegalTransition> {
        let Record::All { timeline, .. } = &self.record else { return Ok(()) };
        let (zones, images) = (&self.state.spec.zones, self.state.roster.images());
        let timeline = timeline.clone().finish(self.fleet.order(), zones, images);
        timeline.iter().take(events).try_for_each(|step| self.replay(state, &step))
    }

    fn replay(&self, state: &mut RolloutState, step: &PlannedStep) -> Result<(), IllegalTransition> {
        let at = self.start + step.at;
        let (seat, picks_victim) = match step.event {
            PlannedEvent::Launch { seat, image, .. } => {
                let (image, zone) = (state.roster.image(image)?, state.zone_of(seat.slot).0);
                state.board.insert(state.begun(seat, zone, image, at));
                return Ok(());
            }
            PlannedEvent::Shift { .. } | PlannedEvent::Stage { .. } => return Ok(()),
            PlannedEvent::Available { seat }
            | PlannedEvent::Retire { seat }
            | PlannedEvent::Gone { seat } => (seat, state.spec.picks_victim),
        };
        let Some(id) = state.board.find(seat) else { return Ok(()) };
        match step.event {
            PlannedEvent::Available { .. } => state.board.enter(id, Phase::Available, at),
            PlannedEvent::Retire { .. } => state.board.change(id, |cell| cell.retire(picks_victim, at)),
            PlannedEvent::Gone { .. } => _ = state.board.remove(id),
            PlannedEvent::Launch { .. } | PlannedEvent::Shift { .. } | PlannedEvent::Stage { .. } => {}
        }
        Ok(())
    }

    /// Approves and passes what the current stage asks of people and checks; says whether anything was new.
    fn pass_gates(&mut self) -> Result<bool, IllegalTransition> {
        if self.state.complete_since.is_none() {
            return Ok(false);
        }
        let mut new = false;
        for gate in self.state.stage().1.gates.clone() {
            match gate {
                GateSpec::Approval(name) if !self.state.approvals.contains(&name) => {
                    self.state.approved(name);
                    new = true;
                }
                GateSpec::Check(name) if !self.state.judgements.contains_key(&name) => {
                    let predicted = Judgement::new(Verdict::Pass, "forecast", "assumed");
                    self.state.judged(self.state.stage().0, name, predicted)?;
                    new = true;
                }
                GateSpec::Approval(_) | GateSpec::Check(_) | GateSpec::Bake(_) => {}
            }
        }
        Ok(new)
    }
}
