use std::sync::Arc;

use super::board::{Cell, CellId, Phase};
use super::state::Run;
use super::{Cause, Direction, IllegalTransition, Observation, OpId, OpenOp, RolloutState};
use crate::digest::Digest;
use crate::fleet::{Health, Instance, Phase as Seen, Standing};
use crate::id::{Attempt, InstanceId, Slot, Token, Zone};
use crate::limits::Limits;
use crate::plan::{Adopted, Seat};
use crate::strategy::Reason;
use crate::time::Timestamp;

/// The transitions of instances: each says what happened, checks that it could, and changes the state.
impl RolloutState {
    /// A launch is intended.
    ///
    /// # Errors
    /// [`IllegalTransition`].
    pub fn launch_intended(
        &mut self,
        op: OpId,
        seat: Seat,
        zone: Zone,
        image: Digest,
        at: Timestamp,
    ) -> Result<(), IllegalTransition> {
        self.check_running(op)?;
        let next = self.next_seat(seat.slot);
        if seat != next || seat.slot >= self.board.next_surplus() {
            return Err(IllegalTransition::new(format!(
                "{op} launches {seat}, but the next attempt there is {next}"
            )));
        }
        let token = Token::of(&self.spec.rollout, seat.slot, seat.attempt);
        let (image, zone) = (self.roster.image(image)?, self.roster.zone(&zone)?);
        self.launch(seat, zone, image, Phase::Intended, at);
        self.begin(op, OpenOp::Launch { seat, token });
        Ok(())
    }

    /// What the board and the rate see of a launch.
    fn launch(&mut self, seat: Seat, zone: u16, image: u16, phase: Phase, at: Timestamp) {
        self.board.insert(Cell { phase, ..self.begun(seat, zone, image, at) });
        self.spend(1, at);
    }

    /// An instance that this rollout launches.
    pub(super) fn begun(&self, seat: Seat, zone: u16, image: u16, since: Timestamp) -> Cell {
        let is_new = self.roster.image_of(image) == self.wanted();
        Cell {
            seat,
            image,
            zone,
            phase: Phase::Launching,
            since,
            reason: (!is_new).then_some(Reason::OtherImage),
            in_service: false,
            fixed: false,
            skipped: false,
            standby: false,
            surplus: false,
            spare: false,
            former: false,
            fresh: !is_new,
            charged: false,
        }
    }

    /// What the rate sees of launches.
    pub(super) fn spend(&mut self, launches: u32, at: Timestamp) {
        if let (Some(tokens), Some(rate)) = (self.tokens, &self.goal.limits.launch_rate) {
            self.tokens = Some((0..launches).fold(tokens, |tokens, _| tokens.take(rate, at)));
        }
        self.begin_unless_closed();
    }

    /// A launch is confirmed: the platform has the instance.
    ///
    /// # Errors
    /// [`IllegalTransition`].
    pub fn launched(
        &mut self,
        op: OpId,
        instance: InstanceId,
        at: Timestamp,
    ) -> Result<(), IllegalTransition> {
        let seat = self.open_launch(op)?;
        if let Some(other) = self.roster.seat_of(&instance) {
            return Err(IllegalTransition::new(format!(
                "{op} launched {instance}, which already is {other}"
            )));
        }
        let id = self.expect(seat)?;
        self.open.remove(&op);
        self.roster.call(id, seat, instance, None);
        // The healthy deadline is for the instance, not for the time the platform took to make it.
        self.enter(id, Phase::Launching, at);
        Ok(())
    }

    /// A launch is proved to have failed: nothing was created and nothing will be.
    ///
    /// # Errors
    /// [`IllegalTransition`].
    pub fn launch_failed(&mut self, op: OpId, reason: &str, at: Timestamp) -> Result<(), IllegalTransition> {
        let seat = self.open_launch(op)?;
        let id = self.expect(seat)?;
        self.open.remove(&op);
        let cell = self.board.remove(id);
        self.count_failure(&cell, reason, at);
        Ok(())
    }

    /// A retirement is intended.
    ///
    /// # Errors
    /// [`IllegalTransition`].
    pub fn retire_intended(&mut self, op: OpId, seat: Seat, at: Timestamp) -> Result<(), IllegalTransition> {
        // An end takes away what it would leave behind.
        self.check_next(op)?;
        if !matches!(self.run, Run::Running | Run::Ending(_)) {
            return Err(IllegalTransition::new(format!("{op} was intended while nothing may be begun")));
        }
        let Some(id) = self.board.find(seat) else {
            return Err(IllegalTransition::new(format!("{op} retires {seat}, which does not exist")));
        };
        if self.board.cell(id).phase == Phase::Retiring {
            return Err(IllegalTransition::new(format!("{op} retires {seat}, which is retiring already")));
        }
        let Some(instance) = self.roster.name(id).and_then(|name| name.instance.clone()) else {
            return Err(IllegalTransition::new(format!(
                "{op} retires {seat}, whose launch is not confirmed"
            )));
        };
        self.retire(id, at);
        self.begin(op, OpenOp::Retire { seat, instance });
        Ok(())
    }

    /// What the board sees of a retirement.
    fn retire(&mut self, id: CellId, at: Timestamp) {
        let picks_victim = self.spec.picks_victim;
        self.untime(id);
        self.board.change(id, |cell| cell.retire(picks_victim, at));
        self.begin_unless_closed();
    }

    /// What replaces a lost instance while the calendar is closed does not begin the rollout.
    pub(super) fn begin_unless_closed(&mut self) {
        self.begun |= self.may_advance();
    }

    /// A retirement is proved: the instance no longer exists.
    ///
    /// # Errors
    /// [`IllegalTransition`].
    pub fn retired(&mut self, op: OpId) -> Result<(), IllegalTransition> {
        let seat = match self.open.get(&op) {
            Some(OpenOp::Retire { seat, .. }) => *seat,
            _ => return Err(IllegalTransition::new(format!("{op} is not an open retirement"))),
        };
        let id = self.expect(seat)?;
        self.open.remove(&op);
        self.roster.forget(id);
        self.vanish(id);
        Ok(())
    }

    /// What the board sees of an end.
    fn vanish(&mut self, id: CellId) {
        let cell = self.board.remove(id);
        // A new one that leaves is no progress, or a crash loop would be.
        self.replaced += u64::from(cell.is_old() || seeded!(CrashLoopProgresses));
    }

    /// A member was seen to have changed.
    ///
    /// # Errors
    /// [`IllegalTransition`].
    pub fn observed(
        &mut self,
        seat: Seat,
        observation: Observation,
        at: Timestamp,
    ) -> Result<(), IllegalTransition> {
        let Some(id) = self.board.find(seat) else {
            return Err(IllegalTransition::new(format!("{seat} was observed, but does not exist")));
        };
        let cell = *self.board.cell(id);
        let (next, what) = match &observation {
            Observation::Ready { .. } => (Phase::Ready, "ready"),
            Observation::Available => (Phase::Available, "available"),
            Observation::Suspect => (Phase::Suspect, "suspect"),
            Observation::Broken(_) => (Phase::Broken, "broken"),
        };
        let is_legal = match cell.phase {
            Phase::Intended | Phase::Launching => matches!(next, Phase::Ready | Phase::Broken),
            Phase::Ready => matches!(next, Phase::Available | Phase::Suspect | Phase::Broken),
            Phase::Available => matches!(next, Phase::Suspect | Phase::Broken),
            Phase::Suspect => matches!(next, Phase::Ready | Phase::Broken),
            Phase::Broken | Phase::Retiring => false,
        };
        if !is_legal {
            return Err(IllegalTransition::new(format!("{seat} became {what}, but was {:?}", cell.phase)));
        }
        match observation {
            Observation::Ready { endpoint } => self.roster.answers_at(id, endpoint),
            Observation::Available | Observation::Suspect => {}
            Observation::Broken(cause) => {
                // Whoever removed it from outside: that is no fault of its image.
                if cause != Cause::Missing {
                    self.count_failure(&cell, &cause.to_string(), at);
                }
                self.roster.blame(id, cause);
            }
        }
        #[cfg(seeded_bugs)]
        let at = seeded!(MinReadyFromLaunch => if next == Phase::Ready { cell.since } else { at }; else at);
        self.enter(id, next, at);
        Ok(())
    }

    /// An instance of the fleet that nobody knew was found; it becomes a member in a surplus seat, and leaves as soon as it
    /// can be spared: every slot gets its own instance.
    ///
    /// # Errors
    /// [`IllegalTransition`].
    pub fn found(&mut self, seat: Seat, instance: &Instance, at: Timestamp) -> Result<(), IllegalTransition> {
        if seat != self.surplus_seat() {
            return Err(IllegalTransition::new(format!(
                "{} was found for {seat}, but {} is the next free seat",
                instance.id,
                self.surplus_seat()
            )));
        }
        let asked = self.replaces_standby(instance.standing).then_some(Reason::Requested);
        let reason = asked.or_else(|| (instance.image != self.wanted()).then_some(Reason::OtherImage));
        self.seat_adopted(&Adopted { seat, instance: Arc::new(instance.clone()), reason }, at)
    }

    /// Something is known against a member that makes its replacement urgent.
    ///
    /// # Errors
    /// [`IllegalTransition`].
    pub fn marked(&mut self, seat: Seat, reason: Reason) -> Result<(), IllegalTransition> {
        let id = self.expect(seat)?;
        self.board.change(id, |cell| {
            // The most urgent reason holds.
            cell.reason = Some(cell.reason.map_or(reason, |known| known.min(reason)));
        });
        Ok(())
    }

    /// Somebody sets a member apart, or no longer does.
    ///
    /// # Errors
    /// [`IllegalTransition`].
    pub fn set_apart(
        &mut self,
        seat: Seat,
        standing: Standing,
        at: Timestamp,
    ) -> Result<(), IllegalTransition> {
        let id = self.expect(seat)?;
        let (fixed, skipped) = (self.sets_apart(standing), self.skips(standing));
        let asked = self.replaces_standby(standing).then_some(Reason::Requested);
        self.untime(id);
        self.board.change(id, |cell| {
            // No deadline ran while nobody might touch it; one that is still to become ready begins now.
            if cell.fixed && !fixed && matches!(cell.phase, Phase::Launching | Phase::Suspect) {
                cell.since = at;
            }
            (cell.fixed, cell.skipped, cell.standby) = (fixed, skipped, standing.standby);
            cell.reason = cell.reason.into_iter().chain(asked).min();
        });
        self.time(id);
        Ok(())
    }

    /// A slot has rested long enough after a failure.
    pub fn rested(&mut self, slot: Slot) {
        self.timers.rested(slot);
        self.board.rest(slot, false);
    }

    /// Seats everybody who was there at the beginning.
    pub(super) fn seat_all(&mut self, initial: &[Adopted], now: Timestamp) -> Result<(), IllegalTransition> {
        for adopted in initial {
            self.seat_unindexed(adopted, now)?;
        }
        self.roster.index(initial)
    }

    fn seat_adopted(&mut self, adopted: &Adopted, now: Timestamp) -> Result<(), IllegalTransition> {
        let Adopted { seat, instance, .. } = adopted;
        if self.roster.seat_of(&instance.id).is_some() {
            return Err(IllegalTransition::new(format!("{} has two seats", instance.id)));
        }
        self.seat_unindexed(adopted, now)?;
        self.roster.find_at(instance.id.clone(), *seat);
        Ok(())
    }

    fn seat_unindexed(&mut self, adopted: &Adopted, now: Timestamp) -> Result<(), IllegalTransition> {
        let Adopted { seat, instance, .. } = adopted;
        let is_free = self.board.in_slot(seat.slot).next().is_none();
        if seat.attempt != Attempt(0) || !is_free || seat.slot > self.board.next_surplus() {
            return Err(IllegalTransition::new(format!("{seat} cannot take an instance from outside")));
        }
        let id = self.adopt(adopted, now)?;
        self.roster.name_only(id, instance.id.clone(), instance.endpoint);
        let cause = match &instance.phase {
            Seen::Stopping => Some(Cause::Stopped("being stopped".to_owned())),
            Seen::Stopped { reason } => Some(Cause::Stopped(reason.clone())),
            Seen::Launching | Seen::Running(_) => None,
        };
        if let Some(cause) = cause {
            self.roster.blame(id, cause);
        }
        self.time(id);
        Ok(())
    }

    /// What the board sees of an instance that was found.
    pub(super) fn adopt(&mut self, adopted: &Adopted, now: Timestamp) -> Result<CellId, IllegalTransition> {
        let cell = self.found_like(adopted, now)?;
        let id = self.board.insert(cell);
        if adopted.instance.standing.volume {
            self.board.own_volume(adopted.seat.slot);
        }
        Ok(id)
    }

    /// An instance that was found, in numbers.
    pub(super) fn found_like(
        &mut self,
        adopted: &Adopted,
        now: Timestamp,
    ) -> Result<Cell, IllegalTransition> {
        let Adopted { seat, instance, .. } = adopted;
        let (expected, name) = self.zone_of(seat.slot);
        // Most stand in the zone of their slot.
        let zone = if *name == instance.zone { expected } else { self.roster.zone(&instance.zone)? };
        self.found_in(zone, adopted, now)
    }

    /// Whether an instance that was found counts as available.
    pub(super) fn serves(&self, instance: &Instance, now: Timestamp) -> bool {
        instance.is_ready() && now.since(instance.launched_at) >= self.goal.limits.min_ready
    }

    /// An instance that was found in a zone, in numbers.
    pub(super) fn found_in(
        &mut self,
        zone: u16,
        adopted: &Adopted,
        now: Timestamp,
    ) -> Result<Cell, IllegalTransition> {
        let Adopted { seat, instance, reason } = adopted;
        let image = self.roster.image(instance.image)?;
        // The clock of the platform may be ahead.
        let launched_at = instance.launched_at.min(now);
        let (phase, since) = match &instance.phase {
            Seen::Launching => (Phase::Launching, launched_at),
            // Since when it has been ready is not known; since its launch is the best the platform can tell.
            Seen::Running(Health::Ready) if self.serves(instance, now) => (Phase::Available, launched_at),
            Seen::Running(Health::Ready) => (Phase::Ready, launched_at),
            Seen::Running(Health::Unknown | Health::Unready) => (Phase::Suspect, now),
            Seen::Stopping | Seen::Stopped { .. } => (Phase::Broken, now),
        };
        Ok(Cell {
            seat: *seat,
            image,
            zone,
            phase,
            since,
            reason: *reason,
            // Whoever launched it has put it in the router; only what cannot have served has not.
            in_service: !matches!(phase, Phase::Launching | Phase::Broken),
            fixed: self.sets_apart(instance.standing),
            skipped: self.skips(instance.standing),
            standby: instance.standing.standby,
            surplus: false,
            spare: false,
            former: false,
            fresh: false,
            charged: false,
        })
    }

    pub(super) fn enter(&mut self, id: CellId, phase: Phase, at: Timestamp) {
        self.untime(id);
        self.board.enter(id, phase, at);
        self.time(id);
    }

    fn untime(&mut self, id: CellId) {
        let cell = self.board.cell(id);
        if let Some(at) = deadline(cell, &self.goal.limits) {
            self.timers.clear(at, cell.seat);
        }
    }

    fn time(&mut self, id: CellId) {
        let cell = self.board.cell(id);
        if let Some(at) = deadline(cell, &self.goal.limits) {
            self.timers.set(at, cell.seat);
        }
    }

    /// Sets all timers anew, after the limits have changed.
    pub(super) fn time_all(&mut self) {
        self.timers.clear_members();
        for cell in self.board.cells() {
            if let Some(at) = deadline(cell, &self.goal.limits) {
                self.timers.set(at, cell.seat);
            }
        }
    }

    fn open_launch(&self, op: OpId) -> Result<Seat, IllegalTransition> {
        match self.open.get(&op) {
            Some(OpenOp::Launch { seat, .. }) => Ok(*seat),
            _ => Err(IllegalTransition::new(format!("{op} is not an open launch"))),
        }
    }

    fn expect(&self, seat: Seat) -> Result<CellId, IllegalTransition> {
        self.board.find(seat).ok_or_else(|| IllegalTransition::new(format!("{seat} does not exist")))
    }

    fn check_running(&self, op: OpId) -> Result<(), IllegalTransition> {
        self.check_next(op)?;
        if self.run != Run::Running {
            return Err(IllegalTransition::new(format!("{op} was intended while nothing may be begun")));
        }
        Ok(())
    }

    fn check_next(&self, op: OpId) -> Result<(), IllegalTransition> {
        if op != self.next_op() {
            return Err(IllegalTransition::new(format!(
                "{op} was intended where {} is the next",
                self.next_op()
            )));
        }
        Ok(())
    }

    fn begin(&mut self, op: OpId, open: OpenOp) {
        self.open.insert(op, open);
        self.next_op = op.0 + 1;
    }

    /// An instance of the wanted image that this rollout launched has failed.
    fn count_failure(&mut self, cell: &Cell, how: &str, at: Timestamp) {
        if !cell.is_ours() || self.roster.image_of(cell.image) != self.wanted() || seeded!(FailuresNotCounted)
        {
            return;
        }
        let slot = cell.seat.slot;
        self.failures.count += 1;
        self.failures.zones.insert(cell.zone);
        self.failures.last = Some((slot, format!("{}: {how}", cell.seat)));
        let strikes = self.failures.by_slot.entry(slot).or_insert(0);
        *strikes += 1;
        let factor = 1_u32.checked_shl(*strikes - 1).unwrap_or(u32::MAX);
        let delay = self.goal.limits.retry_delay.saturating_mul(factor).min(Limits::LONGEST_RETRY_DELAY);
        if !delay.is_zero() {
            self.timers.rested(slot);
            self.timers.rest(at + delay, slot);
            self.board.rest(slot, true);
        }
    }

    /// Whether the rollout goes to the target.
    pub(super) fn is_forward(&self) -> bool {
        self.direction == Direction::Forward
    }
}

/// When time alone changes this instance, and it is not said otherwise before.
pub(super) fn deadline(cell: &Cell, limits: &Limits) -> Option<Timestamp> {
    match cell.phase {
        // Nobody may touch one that is set apart, so there is no use in giving it up.
        Phase::Launching if seeded!(HungBootKept) => None,
        Phase::Launching | Phase::Suspect => (!cell.fixed).then(|| cell.since + limits.healthy_deadline),
        Phase::Ready => {
            Some(cell.since + seeded!(MinReadyIgnored => Default::default(); else limits.min_ready))
        }
        // An unconfirmed launch is an obligation of the platform's; there is nothing yet that could be broken.
        Phase::Intended | Phase::Available | Phase::Broken | Phase::Retiring => None,
    }
}
