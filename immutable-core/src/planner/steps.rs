//! The greedy work-conserving policy: everything the limits allow, without batches.

use std::collections::BTreeSet;

use super::board::{Board, Cell, CellId, Class};
use super::guard::{Barred, Guard};
use super::{Direction, RolloutState};
use crate::digest::Digest;
use crate::id::Slot;
use crate::plan::{Seat, Step};
use crate::strategy::{Share, Stage};
use crate::time::Timestamp;

/// What is wanted in numbers, and what is done about it.
pub(super) struct Chooser<'s> {
    state: &'s RolloutState,
    board: &'s Board,
    stage: &'s Stage,
    pub(super) guard: Guard<'s>,
    /// Work that could as well be left undone may be begun now.
    is_open: bool,
    /// How many new, and old, ones there shall be.
    pub(super) target: u32,
    pub(super) keep: u32,
    baseline: u32,
    /// In which something was launched.
    chosen: Vec<Slot>,
    /// An image that so far nothing runs, launched by this very decision.
    brought: Option<Digest>,
    choices: Vec<Choice>,
}

/// A step in numbers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Choice {
    Launch { seat: Seat, zone: u16, image: Digest },
    Retire { id: CellId, seat: Seat },
    Shift { share: Share },
    Advance { stage: usize },
}

impl Choice {
    pub(super) fn into_step(self, state: &RolloutState) -> Step {
        match self {
            Self::Launch { seat, zone, image } => {
                Step::Launch { seat, zone: state.roster.zone_of(zone).clone(), image }
            }
            Self::Retire { seat, .. } => Step::Retire { seat },
            Self::Shift { share } => Step::Shift { share },
            Self::Advance { stage } => Step::Advance { stage },
        }
    }
}

/// What may be done now.
pub(super) fn choices(state: &RolloutState, now: Timestamp) -> Vec<Choice> {
    let mut chooser = Chooser::new(state, now);
    chooser.choose();
    chooser.choices
}

impl<'s> Chooser<'s> {
    pub(super) fn new(state: &'s RolloutState, now: Timestamp) -> Self {
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
            board: &state.board,
            stage,
            guard: Guard::new(state, tokens),
            is_open: state.may_begin(),
            target,
            keep,
            baseline: state.baseline(),
            chosen: Vec::new(),
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
            let spare = self.guard.counts.new_live.saturating_sub(self.state.goal.budget.desired);
            self.retire(Class::UnprovenNew, spare);
        }
        self.launch_new();
        self.launch_old();
        if self.is_open {
            for class in
                [Class::ShakyOld, Class::SurplusOld, Class::UrgentOld, Class::SucceededOld, Class::FoundOld]
            {
                self.retire(class, self.spare_found());
            }
            // Those to compare the new ones with are the last to go.
            let spare = self.guard.counts.fresh_live.saturating_sub(self.baseline);
            self.retire(Class::FreshOld, spare.min(self.spare_old()));
            for class in [Class::ShakyNew, Class::SurplusNew, Class::AvailableNew] {
                let spare = self.guard.counts.new_live.saturating_sub(self.state.goal.budget.desired);
                self.retire(class, spare);
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
        self.board.has_turn(slot, undone)
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
    /// planned the steps between, if the limits need any. The way back has one stage only, so there the new group gets as
    /// much as it can carry: what leaves the old group lets that shrink, and so makes room for the rest.
    fn next_share(&self) -> Option<Share> {
        let (now, goal) = (self.state.share?, self.stage.share?);
        if now == goal || self.guard.may_shift(goal) {
            return (now != goal).then_some(goal);
        }
        if self.state.direction == Direction::Forward {
            return None;
        }
        let shares = (now.hundredths()..goal.hundredths()).skip(1).rev();
        shares.filter_map(|hundredths| Share::new(hundredths).ok()).find(|share| self.guard.may_shift(*share))
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
        let wanted = self.state.wanted();
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
            self.launch(Class::OnlyUrgent, wanted, true, self.target);
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
        if live(&self.guard) >= until || !self.state.may_launch(image, self.brought) {
            return;
        }
        // New ones are launched first, in slots that are in one class each.
        let taken: BTreeSet<Slot> =
            if is_new { BTreeSet::new() } else { self.chosen.iter().copied().collect() };
        let mut slots = self.board.slots(class);
        while live(&self.guard) < until {
            let Some(slot) = slots.next() else { return };
            // A slot that has lost its instance is filled at once, whatever its turn.
            if class != Class::Empty && !self.may_be_begun(slot) {
                // Those of later tiers come after it in the order.
                return;
            }
            if taken.contains(&slot) {
                continue;
            }
            let zone = self.state.zone_of(slot).0;
            match self.guard.launch(zone, is_new) {
                Ok(()) => {}
                Err(Barred::Zone) => {
                    slots.pass_over(slot);
                    continue;
                }
                Err(Barred::Fleet(_)) => return,
            }
            self.chosen.push(slot);
            self.brought = self.brought.or(Some(image));
            self.choices.push(Choice::Launch { seat: self.state.next_seat(slot), zone, image });
        }
    }

    /// Retires members of a class, so many at most.
    fn retire(&mut self, class: Class, most: u32) {
        // One that is not available may recover, so it goes only while enough others serve: a controller that has lost sight
        // of a whole fleet must not take it apart.
        let is_shaky = matches!(class, Class::ShakyOld | Class::ShakyNew);
        if most == 0 || is_shaky && self.guard.is_short() {
            return;
        }
        let mut left = most;
        let mut slots = self.board.slots(class);
        while let Some(slot) = slots.next() {
            // What does not serve may go at any time; what serves goes in its turn.
            if !matches!(class, Class::Broken | Class::UnprovenOld | Class::UnprovenNew)
                && !self.board.has_turn(slot, Class::Unfinished)
            {
                return;
            }
            for (id, cell) in self.board.members(slot, class) {
                if left == 0 {
                    return;
                }
                if self.stays(cell) {
                    continue;
                }
                match self.guard.retire(cell) {
                    Ok(()) => {}
                    Err(Barred::Zone) => {
                        // One that stands in another zone than its slot says nothing about the slots beside it.
                        if cell.zone == self.state.zone_of(slot).0 {
                            slots.pass_over(slot);
                        }
                        continue;
                    }
                    Err(Barred::Fleet(_)) => return,
                }
                left -= 1;
                self.choices.push(Choice::Retire { id, seat: cell.seat });
            }
        }
    }
}
