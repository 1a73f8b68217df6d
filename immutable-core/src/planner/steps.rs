//! The greedy work-conserving policy: everything the limits allow, without batches.

use std::collections::BTreeMap;

use super::board::{Board, Cell, Class, Places, Span};
use super::guard::{Barred, Guard};
use super::{Direction, RolloutState};
use crate::digest::Digest;
use crate::id::{Attempt, Slot};
use crate::plan::{Seat, Step};
use crate::strategy::{Share, Stage};
use crate::time::Timestamp;

/// What is wanted in numbers, and what is done about it.
pub(super) struct Chooser<'s, P = Board> {
    state: &'s RolloutState,
    places: &'s P,
    stage: &'s Stage,
    pub(super) guard: Guard<'s>,
    /// Work that could as well be left undone may be begun now.
    is_open: bool,
    /// How many new, and old, ones there shall be.
    pub(super) target: u32,
    pub(super) keep: u32,
    baseline: u32,
    /// An image that so far nothing runs, launched by this very decision.
    brought: Option<Digest>,
    choices: Vec<Choice>,
}

/// Steps in numbers: the same in every slot of a span.
#[derive(Clone, Copy, Debug)]
pub(super) enum Choice {
    Launch { slots: Span, attempt: Attempt, image: Digest },
    Retire { slots: Span, attempt: Attempt },
    Shift { share: Share },
    Advance { stage: usize },
}

impl Choice {
    pub(super) const fn slots(&self) -> Option<Span> {
        match self {
            Self::Launch { slots, .. } | Self::Retire { slots, .. } => Some(*slots),
            Self::Shift { .. } | Self::Advance { .. } => None,
        }
    }

    const fn slots_mut(&mut self) -> Option<&mut Span> {
        match self {
            Self::Launch { slots, .. } | Self::Retire { slots, .. } => Some(slots),
            Self::Shift { .. } | Self::Advance { .. } => None,
        }
    }

    /// Whether the next one is the same in further slots.
    pub(super) fn goes_on_with(&self, next: &Self) -> bool {
        match (self, next) {
            (Self::Launch { attempt: a, image: i, .. }, Self::Launch { attempt, image, .. }) => {
                (a, i) == (attempt, image)
            }
            (Self::Retire { attempt: a, .. }, Self::Retire { attempt, .. }) => a == attempt,
            _ => false,
        }
    }

    pub(super) fn into_steps(self, state: &RolloutState, steps: &mut Vec<Step>) {
        let seat = |rank, attempt| Seat { slot: state.board.slot_at(rank), attempt };
        match self {
            Self::Launch { slots, attempt, image } => steps.extend(slots.ranks().map(|rank| {
                let seat = seat(rank, attempt);
                Step::Launch { seat, zone: state.zone_of(seat.slot).1.clone(), image }
            })),
            Self::Retire { slots, attempt } => {
                steps.extend(slots.ranks().map(|rank| Step::Retire { seat: seat(rank, attempt) }));
            }
            Self::Shift { share } => steps.push(Step::Shift { share }),
            Self::Advance { stage } => steps.push(Step::Advance { stage }),
        }
    }
}

/// What a rollout that ends where it stands takes away: what it launched itself and serves nobody. What is broken or never
/// came up would be an orphan; whatever serves, or may serve again, is for a person to judge.
pub(super) fn leftovers<P: Places>(state: &RolloutState, places: &P, now: Timestamp) -> Vec<Choice> {
    seeded!(LeftoversStay => return Vec::new());
    let mut chooser = Chooser::new(state, places, now);
    for class in [Class::Broken, Class::UnprovenOld, Class::UnprovenNew, Class::FreshOld] {
        let mut walk = places.walk(class);
        while let Some(slots) = places.next(&mut walk) {
            for rank in slots.ranks() {
                for cell in places.members_at(rank, class) {
                    if cell.is_leftover() && chooser.guard.retire(cell).is_ok() {
                        let (slots, attempt) = (Span::one(rank), cell.seat.attempt);
                        chooser.choose_some(Choice::Retire { slots, attempt });
                    }
                }
            }
        }
    }
    chooser.choices
}

/// What may be done now in these places, which are those of the state.
pub(super) fn choices<P: Places>(state: &RolloutState, places: &P, now: Timestamp) -> Vec<Choice> {
    let mut chooser = Chooser::new(state, places, now);
    chooser.choose();
    chooser.choices
}

impl<'s, P: Places> Chooser<'s, P> {
    pub(super) fn new(state: &'s RolloutState, places: &'s P, now: Timestamp) -> Self {
        let desired = state.goal.budget.desired;
        let stage = &state.goal.stages[state.stage];
        let counts = state.board.counts();
        let (mut target, mut keep) = (stage.new.min(desired), stage.old.min(desired));
        if stage.passive {
            // Whoever is not asked to go stays, as far as there is a place for it, and only what is missing beside it is
            // launched.
            let asked_to_stay = counts.old_live - counts.urgent_live;
            keep = keep.max(asked_to_stay.min(desired.saturating_sub(counts.new_live)));
            target = target.min(desired.saturating_sub(keep));
        }
        let tokens = match (&state.tokens, &state.goal.limits.launch_rate) {
            (Some(tokens), Some(rate)) => tokens.available(rate, now),
            _ => u32::MAX,
        };
        Self {
            state,
            places,
            stage,
            guard: Guard::new(state, tokens),
            is_open: state.may_begin(),
            target,
            keep,
            baseline: state.baseline(),
            brought: None,
            choices: Vec::new(),
        }
    }

    fn choose(&mut self) {
        // A broken one is not counted available, so replacing it costs nothing; doing it first is what keeps a rollout
        // without surge or without slack alive.
        self.retire(Class::Broken, u32::MAX);
        if self.is_open {
            // What never served and is not wanted any more.
            self.retire(Class::UnprovenOld, self.spare_found());
            self.retire(Class::UnprovenNew, self.spare_new());
        }
        self.launch_new();
        self.launch_old();
        if self.is_open {
            for class in [
                Class::ShakyOld,
                Class::SurplusOld,
                Class::DriftedOld,
                Class::RevokedOld,
                Class::RequestedOld,
                Class::SucceededOld,
                Class::FoundOld,
            ] {
                self.retire(class, self.spare_found());
            }
            // Those to compare the new ones with are the last to go.
            let spare = self.guard.counts.fresh_live.saturating_sub(self.baseline);
            self.retire(Class::FreshOld, spare.min(self.spare_old()));
            for class in [Class::ShakyNew, Class::SurplusNew, Class::AvailableNew] {
                self.retire(class, self.spare_new());
            }
            if let Some(share) = self.next_share() {
                self.choices.push(Choice::Shift { share });
            }
        }
    }

    /// Whether it is a slot's turn to get its new instance. Where the stage keeps all old ones that there are, those before
    /// it are done once their new ones serve; otherwise their old ones must be gone.
    pub(super) fn may_be_begun(&self, slot: Slot) -> bool {
        let undone = if self.spare_old() == 0 { Class::Unserved } else { Class::Unfinished };
        self.places.has_turn(slot, undone)
    }

    /// Whether an old one stays because nobody asked for its replacement: a passive stage takes it only where it is one too
    /// many even when those are gone that somebody did ask for.
    pub(super) fn stays(&self, cell: &Cell) -> bool {
        let counts = &self.guard.counts;
        let stay = counts.new_live + counts.old_live - counts.urgent_live;
        let is_asked = !cell.is_live() || cell.is_urgent();
        self.stage.passive && cell.is_old() && !is_asked && stay <= self.state.goal.budget.desired
    }

    /// The share that the new group may be given now. Forward it is the one of the stage, or none: the strategy has
    /// planned the steps between, if the limits need any. The way to an image that served before has one stage only, so there
    /// the new group gets as much as it can carry: what leaves the old group lets that shrink, and so makes room for the
    /// rest.
    fn next_share(&self) -> Option<Share> {
        let (now, goal) = (self.state.share?, self.stage.share?);
        if now == goal || self.guard.may_shift(goal) {
            return (now != goal).then_some(goal);
        }
        if !self.state.goal.straight {
            return None;
        }
        let shares = (now.hundredths()..goal.hundredths()).skip(1).rev();
        shares.filter_map(|hundredths| Share::new(hundredths).ok()).find(|share| self.guard.may_shift(*share))
    }

    /// How many new ones are too many.
    fn spare_new(&self) -> u32 {
        self.guard.counts.new_live.saturating_sub(self.state.goal.budget.desired)
    }

    /// How many old ones are too many.
    fn spare_old(&self) -> u32 {
        self.guard.counts.old_live.saturating_sub(self.keep)
    }

    /// How many of them are too many that this rollout did not launch: fresh ones take their place.
    fn spare_found(&self) -> u32 {
        let found = self.guard.counts.old_live - self.guard.counts.fresh_live;
        self.spare_old().max(found.saturating_sub(self.keep.saturating_sub(self.baseline)))
    }

    fn launch_new(&mut self) {
        let wanted = seeded!(TargetRemembered => self.state.spec.target; else self.state.wanted());
        // A rollout that a closed calendar has not let begin brings nothing new: what is lost comes back as it was.
        if !self.is_open
            && !self.state.begun
            && let Some(previous) = self.state.way_back()
        {
            let room = self.state.goal.budget.desired.saturating_sub(self.guard.counts.new_live);
            self.launch(Class::Empty, previous, false, room);
            return;
        }
        self.launch(Class::Empty, wanted, true, self.target);
        if self.is_open {
            for class in [Class::OnlyDrifted, Class::OnlyRevoked, Class::OnlyRequested] {
                self.launch(class, wanted, true, self.target);
            }
            if !self.stage.passive {
                self.launch(Class::OnlyOld, wanted, true, self.target);
            }
        }
    }

    /// Kept ones that were lost, and fresh ones to compare the new ones with.
    fn launch_old(&mut self) {
        let is_forward = self.state.direction == Direction::Forward;
        let image = self.state.goal.previous.filter(|image| is_forward && *image != self.state.wanted());
        let Some(image) = image else { return };
        // Passive stages keep what is there, and bring nothing old.
        let keep = if self.stage.passive { 0 } else { self.keep };
        let room = (self.target + keep).saturating_sub(self.guard.counts.new_live).min(keep);
        self.launch(Class::Empty, image, false, room);
        self.launch(Class::OnlyNew, image, false, room);
        let missing = self.baseline.saturating_sub(self.guard.counts.fresh_live);
        if self.is_open && missing > 0 {
            let until = self.guard.counts.old_live + missing;
            self.launch(Class::OnlyOld, image, false, until);
            self.launch(Class::Both, image, false, until);
        }
    }

    /// Launches in slots of a class until so many of the group live.
    fn launch(&mut self, class: Class, image: Digest, is_new: bool, until: u32) {
        let live = |guard: &Guard<'_>| if is_new { guard.counts.new_live } else { guard.counts.old_live };
        if live(&self.guard) >= until || !self.places.has(class) || !self.guard.may_launch() {
            return;
        }
        if !self.state.may_launch(image, self.brought) {
            return;
        }
        // New ones are launched first, in slots that are in one class each.
        let taken = if is_new { BTreeMap::new() } else { self.launched_in() };
        let mut walk = self.places.walk(class);
        while live(&self.guard) < until {
            let Some(slots) = self.places.next(&mut walk) else { return };
            let first = slots.first();
            // A slot that has lost its instance is filled at once, whatever its turn.
            if class != Class::Empty && !self.may_be_begun(self.places.slot_at(first)) {
                // Those of later tiers come after it in the order.
                return;
            }
            let slots = taken.get(&slots.word()).map_or(slots, |taken| slots.without(*taken));
            if slots.is_empty() {
                continue;
            }
            let zone = self.state.zone_of(self.places.slot_at(first)).0;
            let most = slots.len().min(until - live(&self.guard));
            let (count, barred) = self.guard.launch_some(zone, is_new, most);
            if count > 0 {
                self.brought = self.brought.or(Some(image));
                let attempt = Attempt(self.places.attempts_at(first).0 + 1);
                self.choose_some(Choice::Launch { slots: slots.lowest(count), attempt, image });
            }
            match barred {
                Ok(()) => {}
                Err(Barred::Zone) => self.places.pass_over(&mut walk, first),
                Err(Barred::Fleet(_)) => return,
            }
        }
    }

    /// The slots in which this decision launches something, by their words.
    fn launched_in(&self) -> BTreeMap<u32, Span> {
        let mut all: BTreeMap<u32, Span> = BTreeMap::new();
        for choice in &self.choices {
            if let Choice::Launch { slots, .. } = choice {
                all.entry(slots.word()).and_modify(|known| *known = known.and(*slots)).or_insert(*slots);
            }
        }
        all
    }

    /// Retires members of a class, so many at most. Most classes are empty, and that is found out at little cost.
    fn retire(&mut self, class: Class, most: u32) {
        if most > 0 && self.places.has(class) {
            self.retire_in_order(class, most);
        }
    }

    fn retire_in_order(&mut self, class: Class, most: u32) {
        // One that is not available may recover, so it goes only while enough others serve: a controller that has lost sight
        // of a whole fleet must not take it apart.
        let is_shaky = matches!(class, Class::ShakyOld | Class::ShakyNew);
        if is_shaky && self.guard.is_short() || class.is_available() && !self.guard.may_retire_available() {
            return;
        }
        let mut left = most;
        let mut walk = self.places.walk(class);
        while left > 0
            && let Some(slots) = self.places.next(&mut walk)
        {
            // What does not serve may go at any time; what serves goes in its turn.
            if !matches!(class, Class::Broken | Class::UnprovenOld | Class::UnprovenNew)
                && !self.places.has_turn(self.places.slot_at(slots.first()), Class::Unfinished)
            {
                return;
            }
            let places = self.places;
            let mut members = places.members_at(slots.first(), class);
            let alone = members.next().filter(|_| members.next().is_none());
            // One after the other where each has something to say to whether the next one goes.
            if let Some(cell) = alone.filter(|cell| cell.is_available() && !self.stage.passive) {
                match self.retire_some(slots, cell, &mut left) {
                    Ok(()) => {}
                    Err(Barred::Zone) => places.pass_over_all_of(&mut walk, slots.first()),
                    Err(Barred::Fleet(_)) => return,
                }
                continue;
            }
            for rank in slots.ranks() {
                for cell in places.members_at(rank, class) {
                    let may_recover = cell.is_in_service() && cell.is_live() && !cell.is_available();
                    if self.stays(cell) || may_recover && self.guard.is_short() {
                        continue;
                    }
                    match self.retire_some(Span::one(rank), cell, &mut left) {
                        Ok(()) => {}
                        Err(Barred::Zone) => places.pass_over_all_of(&mut walk, rank),
                        Err(Barred::Fleet(_)) => return,
                    }
                }
            }
        }
    }

    /// Retires what is like this instance in the slots, as far as it is allowed.
    fn retire_some(&mut self, slots: Span, cell: &Cell, left: &mut u32) -> Result<(), Barred> {
        let (count, barred) = self.guard.retire_some(cell, slots.len().min(*left));
        *left -= count;
        if count > 0 {
            self.choose_some(Choice::Retire { slots: slots.lowest(count), attempt: cell.seat.attempt });
        }
        barred
    }

    /// Chooses this too, together with the last one where it only goes on in further slots of the same word.
    fn choose_some(&mut self, choice: Choice) {
        let joins = |last: &mut Choice| {
            let slots = last.goes_on_with(&choice).then(|| last.slots_mut()).flatten();
            slots.zip(choice.slots()).is_some_and(|(slots, more)| slots.take_in(more))
        };
        let joined = self.choices.last_mut().is_some_and(joins);
        if !joined {
            self.choices.push(choice);
        }
    }
}
