//! Keeps the books: what each record means, said a second time.

use std::collections::{BTreeMap, BTreeSet};

use immutable_core::fleet::{Health, Instance, Phase, Standing};
use immutable_core::gate::Verdict;
use immutable_core::journal::{Control, Fact, Intent, Outcome, Record};
use immutable_core::plan::{Adopted, OnApart, OnRetarget, Plan, Seat};
use immutable_core::planner::{Cause, Observation, OpId, RolloutState};
use immutable_core::strategy::Reason;
use immutable_core::{Attempt, Digest, Slot, Timestamp};

use crate::books::{Books, Entry, Run, Stand};

/// The books, and what is open in them.
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    pub(crate) books: Books,
    pub(crate) ops: BTreeMap<OpId, Seat>,
}

impl Ledger {
    pub(crate) fn open(plan: &Plan, state: &RolloutState, at: Timestamp) -> Self {
        let spec = plan.spec.clone();
        let shares = spec.stages.iter().any(|stage| stage.share.is_some());
        let books = Books {
            entries: BTreeMap::new(),
            desired: spec.budget.desired,
            limits: spec.limits.clone(),
            target: spec.target,
            previous: spec.previous,
            back: false,
            straight: false,
            run: Run::On,
            begun: false,
            open: spec.calendar.as_ref().is_none_or(|calendar| calendar.is_open(at, spec.calendar_seed())),
            number: 0,
            stage: state.stage().1.clone(),
            share: shares.then_some(0),
            revoked: BTreeSet::new(),
            seats: BTreeSet::new(),
            launches: Vec::new(),
            strikes: BTreeMap::new(),
            leaders: BTreeSet::new(),
            marked: BTreeMap::new(),
            volumes: BTreeSet::new(),
            approvals: BTreeSet::new(),
            verdicts: BTreeMap::new(),
            complete_since: None,
            spec,
        };
        let mut ledger = Self { books, ops: BTreeMap::new() };
        for Adopted { seat, instance, reason, .. } in &plan.initial {
            ledger.adopt(*seat, instance, *reason, at);
            if instance.standing.leader {
                ledger.books.leaders.insert(seat.slot.0);
            }
            if let Some(reason) = reason.filter(|reason| *reason <= Reason::Requested) {
                ledger.books.marked.insert(seat.slot.0, reason);
            }
        }
        ledger.settle(at);
        ledger
    }

    fn adopt(&mut self, seat: Seat, instance: &Instance, reason: Option<Reason>, at: Timestamp) {
        let ready_for = at.since(instance.launched_at);
        let stand = match &instance.phase {
            Phase::Launching => Stand::Starting,
            Phase::Running(Health::Ready) if ready_for < self.books.limits.min_ready => Stand::Ready,
            Phase::Running(Health::Ready) => Stand::Available,
            Phase::Running(Health::Unknown | Health::Unready) => Stand::Suspect,
            Phase::Stopping | Phase::Stopped { .. } => Stand::Broken,
        };
        let (apart, skipped) = self.set_apart(instance.standing);
        let entry = Entry {
            image: instance.image,
            zone: instance.zone.clone(),
            stand,
            reason,
            fresh: false,
            apart,
            skipped,
            standby: instance.standing.standby,
            spare: seat.slot.0 >= self.books.desired,
            former: false,
            served: !matches!(stand, Stand::Starting | Stand::Broken),
            charged: false,
        };
        self.books.entries.insert(seat, entry);
        self.books.seats.insert(seat);
        if instance.standing.volume {
            self.books.volumes.insert(seat.slot);
        }
    }

    /// Whether it is not touched, and whether the rollout is done without it.
    fn set_apart(&self, standing: Standing) -> (bool, bool) {
        let spec = &self.books.spec;
        let modes = [(standing.protected, spec.on_protected), (standing.standby, spec.on_standby)];
        let is = |wanted: fn(OnApart) -> bool| modes.iter().any(|(stands, mode)| *stands && wanted(*mode));
        (is(|mode| mode != OnApart::Replace), is(|mode| mode == OnApart::Skip))
    }

    /// Whether one that stands by is replaced, whatever it runs.
    fn goes_from_standby(&self, standing: Standing) -> bool {
        standing.standby && !self.set_apart(standing).0
    }

    /// Takes a record in; `after` is the state that the kernel made of it, of which only is read what was granted.
    pub(crate) fn record(&mut self, record: &Record, at: Timestamp, after: &RolloutState) {
        let books = &mut self.books;
        match record {
            Record::Intent { op, intent: Intent::Launch { seat, zone, image, .. } } => {
                let is_old = *image != books.wanted();
                let entry = Entry {
                    image: *image,
                    zone: zone.clone(),
                    stand: Stand::Intended,
                    reason: is_old.then_some(Reason::OtherImage),
                    fresh: is_old,
                    apart: false,
                    skipped: false,
                    standby: false,
                    spare: false,
                    former: false,
                    served: false,
                    charged: false,
                };
                books.entries.insert(*seat, entry);
                books.seats.insert(*seat);
                books.launches.push(at);
                books.begun |= books.open || books.back;
                self.ops.insert(*op, *seat);
            }
            Record::Intent { op, intent: Intent::Retire { seat } } => {
                let picks = books.spec.picks_victim;
                let entry = books.entries.get_mut(seat).unwrap();
                entry.charged = picks && !entry.serves();
                entry.stand = Stand::Leaving;
                books.begun |= books.open || books.back;
                self.ops.insert(*op, *seat);
            }
            Record::Outcome { op, outcome } => {
                let seat = self.ops.remove(op).unwrap();
                match outcome {
                    Outcome::Launched { .. } => books.entries.get_mut(&seat).unwrap().stand = Stand::Starting,
                    Outcome::Failed { .. } => {
                        let entry = books.entries.remove(&seat).unwrap();
                        self.failed(seat, &entry, at);
                    }
                    Outcome::Gone => {
                        books.entries.remove(&seat).unwrap();
                    }
                    other => unreachable!("{other:?}"),
                }
            }
            Record::Fact(fact) => self.fact(fact, at),
            Record::Gate { gate, judgement, .. } => {
                books.verdicts.insert(gate.clone(), judgement.verdict);
            }
            Record::Control(control) => self.control(control, after),
            Record::Stage { .. } => {
                books.begun = true;
                books.verdicts.clear();
                books.complete_since = None;
            }
            Record::Shift { share } => {
                books.share = Some(share.hundredths());
                books.begun = true;
            }
            Record::NextTarget => {
                let reached = books.target;
                books.previous = Some(reached);
                self.aim_at(after.wanted());
            }
            Record::TurnBack { .. } => self.turn_back(),
            Record::End { .. } => books.run = Run::Ending,
            Record::Close { .. } => {}
            other => unreachable!("{other:?}"),
        }
        let (number, stage) = after.stage();
        self.books.number = number;
        if self.books.stage != *stage {
            self.books.stage = stage.clone();
        }
        self.settle(at);
    }

    fn settle(&mut self, at: Timestamp) {
        let books = &mut self.books;
        match (books.is_complete(), books.complete_since) {
            (true, None) => books.complete_since = Some(at),
            (false, Some(_)) => {
                books.complete_since = None;
                books.verdicts.retain(|_, verdict| *verdict == Verdict::Fail);
            }
            _ => {}
        }
    }

    fn failed(&mut self, seat: Seat, entry: &Entry, at: Timestamp) {
        if seat.attempt == Attempt(0) || entry.image != self.books.wanted() {
            return;
        }
        let first = self.books.limits.retry_delay;
        let (strikes, until) = self.books.strikes.entry(seat.slot).or_insert((0, at));
        *strikes += 1;
        let mut delay = first;
        for _ in 1..*strikes {
            delay = (delay * 2).min(std::time::Duration::from_secs(300));
        }
        *until = at + delay.min(std::time::Duration::from_secs(300));
    }

    fn fact(&mut self, fact: &Fact, at: Timestamp) {
        match fact {
            Fact::Observed { seat, observation } => {
                let entry = self.books.entries.get_mut(seat).unwrap();
                match observation {
                    Observation::Ready { .. } => entry.stand = Stand::Ready,
                    Observation::Available => (entry.stand, entry.served) = (Stand::Available, true),
                    Observation::Suspect => entry.stand = Stand::Suspect,
                    Observation::Broken(cause) => {
                        entry.stand = Stand::Broken;
                        let entry = entry.clone();
                        if *cause != Cause::Missing {
                            self.failed(*seat, &entry, at);
                        }
                    }
                    other => unreachable!("{other:?}"),
                }
            }
            Fact::Found { seat, instance } => {
                let asked = self.goes_from_standby(instance.standing).then_some(Reason::Requested);
                let other = (instance.image != self.books.wanted()).then_some(Reason::OtherImage);
                let reason = asked.or(other);
                self.adopt(*seat, instance, reason, at);
            }
            Fact::Marked { seat, reason } => self.mark(*seat, *reason),
            Fact::Standing { seat, standing } => {
                let (apart, skipped) = self.set_apart(*standing);
                let asked = self.goes_from_standby(*standing);
                let entry = self.books.entries.get_mut(seat).unwrap();
                (entry.apart, entry.skipped, entry.standby) = (apart, skipped, standing.standby);
                if asked {
                    self.mark(*seat, Reason::Requested);
                }
            }
            Fact::Revoked { image } => {
                self.books.revoked.insert(*image);
                for entry in self.books.entries.values_mut().filter(|entry| entry.image == *image) {
                    entry.reason =
                        Some(entry.reason.map_or(Reason::Revoked, |known| known.min(Reason::Revoked)));
                }
            }
            Fact::Window { open } => self.books.open = *open,
            Fact::Rested { .. } => {}
            other => unreachable!("{other:?}"),
        }
    }

    fn mark(&mut self, seat: Seat, reason: Reason) {
        if let Some(entry) = self.books.entries.get_mut(&seat) {
            entry.reason = Some(entry.reason.map_or(reason, |known| known.min(reason)));
        }
    }

    fn control(&mut self, control: &Control, after: &RolloutState) {
        let books = &mut self.books;
        let granted = after.refused().is_none();
        match control {
            Control::Pause if books.run == Run::On => books.run = Run::Paused,
            Control::Resume if books.run == Run::Paused => books.run = Run::On,
            Control::Pause | Control::Resume => {}
            Control::Approve { name } => {
                books.approvals.insert(name.clone());
            }
            Control::Abort => books.run = Run::Ending,
            Control::Rollback if books.back || books.run == Run::Ending => {}
            Control::Rollback => match books.way_back() {
                Some(_) => self.turn_back(),
                None => books.run = Run::Ending,
            },
            Control::Resize { desired } if granted => {
                books.desired = *desired;
                let is_ordered = books.is_ordered();
                for (seat, entry) in &mut books.entries {
                    entry.spare = (entry.spare || is_ordered) && seat.slot.0 >= *desired;
                }
            }
            Control::Limits { limits } if granted => {
                if books.limits.launch_rate != limits.launch_rate {
                    books.launches.clear();
                }
                books.limits = (**limits).clone();
            }
            Control::Retarget { target }
                if granted && *target != books.target && books.spec.on_retarget == OnRetarget::Replace =>
            {
                let (former, unproven) = (books.target, books.share == Some(0));
                self.aim_at(*target);
                self.give_up(former, unproven);
            }
            Control::Resize { .. } | Control::Limits { .. } | Control::Retarget { .. } => {}
            Control::Replace { seat } => self.mark(*seat, Reason::Requested),
            other => unreachable!("{other:?}"),
        }
    }

    fn aim_at(&mut self, target: Digest) {
        let returns = self.books.previous == Some(target);
        self.books.target = target;
        self.books.previous = self.books.previous.filter(|_| !returns);
        self.books.straight = returns && self.books.share.is_some();
        self.books.share = self.books.share.map(|share| if returns { 100 - share } else { 0 });
        self.regroup();
    }

    /// What runs the former target goes first; what had no traffic gets none.
    fn give_up(&mut self, former: Digest, unproven: bool) {
        if former == self.books.target || self.books.previous == Some(former) {
            return;
        }
        for (seat, entry) in self.books.entries.iter_mut().filter(|(_, entry)| entry.image == former) {
            entry.former = true;
            entry.served &= !unproven || seat.attempt == Attempt(0);
        }
    }

    fn turn_back(&mut self) {
        self.books.back = true;
        self.books.straight = true;
        self.books.run = Run::On;
        self.books.share = self.books.share.map(|share| 100 - share);
        self.regroup();
    }

    /// Another image is wanted.
    fn regroup(&mut self) {
        let (wanted, previous) = (self.books.wanted(), self.books.previous);
        self.books.strikes.clear();
        self.books.verdicts.clear();
        self.books.complete_since = None;
        let (is_ordered, desired) = (self.books.is_ordered(), self.books.desired);
        for (seat, entry) in &mut self.books.entries {
            let is_other = entry.image != wanted;
            let urgent = entry.reason.filter(|_| entry.is_asked());
            entry.former &= is_other && Some(entry.image) != previous;
            let revoked = self.books.revoked.contains(&entry.image).then_some(Reason::Revoked);
            let known = urgent.into_iter().chain(revoked).min();
            entry.reason = known.or_else(|| is_other.then_some(Reason::OtherImage));
            (entry.fresh, entry.spare) = (false, is_ordered && seat.slot.0 >= desired);
        }
    }

    /// The slots in which something exists that must not be there twice.
    pub(crate) fn holds_volume(&self, slot: Slot) -> bool {
        self.books.volumes.contains(&slot) && self.books.in_slot(slot).next().is_some()
    }
}
