use super::state::Run;
use super::{
    Cause, Conclusion, Condition, Direction, FailReason, IllegalTransition, Member, Observation, OpId,
    OpenOp, RolloutState,
};
use crate::digest::Digest;
use crate::fleet::Instance;
use crate::gate::{Judgement, Verdict};
use crate::id::{Attempt, GateName, InstanceId, Token, Zone};
use crate::plan::{Adopted, Seat};
use crate::strategy::Stage;
use crate::time::Timestamp;

/// The transitions: each says what happened, checks that it could, and changes the state.
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
        if seat != self.next_seat(seat.slot) {
            return Err(IllegalTransition::new(format!(
                "{op} launches {seat}, but the next attempt there is {}",
                self.next_seat(seat.slot)
            )));
        }
        let token = Token::of(&self.spec.rollout, seat.slot, seat.attempt);
        self.attempts.insert(seat.slot, seat.attempt.0);
        self.members.insert(
            seat,
            Member {
                seat,
                image,
                zone,
                instance: None,
                endpoint: None,
                condition: Condition::Launching,
                launched_at: at,
                in_service: false,
            },
        );
        self.begin(op, OpenOp::Launch { seat, token });
        Ok(())
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
        let seat = match self.open.get(&op) {
            Some(OpenOp::Launch { seat, .. }) => *seat,
            _ => return Err(IllegalTransition::new(format!("{op} is not an open launch"))),
        };
        if let Some(other) = self.by_instance.get(&instance) {
            return Err(IllegalTransition::new(format!(
                "{op} launched {instance}, which already is {other}"
            )));
        }
        self.open.remove(&op);
        self.by_instance.insert(instance.clone(), seat);
        if let Some(member) = self.members.get_mut(&seat) {
            member.instance = Some(instance);
            // The healthy deadline is for the instance, not for the time the platform took to make it.
            member.launched_at = at;
        }
        Ok(())
    }

    /// A launch is proved to have failed: nothing was created and nothing will be.
    ///
    /// # Errors
    /// [`IllegalTransition`].
    pub fn launch_failed(&mut self, op: OpId, reason: &str) -> Result<(), IllegalTransition> {
        let seat = match self.open.get(&op) {
            Some(OpenOp::Launch { seat, .. }) => *seat,
            _ => return Err(IllegalTransition::new(format!("{op} is not an open launch"))),
        };
        self.open.remove(&op);
        if let Some(member) = self.members.remove(&seat) {
            self.count_failure(&member, format!("{seat}: {reason}"));
        }
        Ok(())
    }

    /// A retirement is intended.
    ///
    /// # Errors
    /// [`IllegalTransition`].
    pub fn retire_intended(&mut self, op: OpId, seat: Seat, at: Timestamp) -> Result<(), IllegalTransition> {
        self.check_running(op)?;
        let instance = match self.members.get_mut(&seat) {
            Some(member) if member.is_live() => {
                let Some(instance) = member.instance.clone() else {
                    return Err(IllegalTransition::new(format!(
                        "{op} retires {seat}, whose launch is not confirmed"
                    )));
                };
                let was_available = member.is_available();
                let image = member.image;
                member.condition = Condition::Retiring { since: at };
                self.tally(image, was_available, false);
                instance
            }
            Some(_) => {
                return Err(IllegalTransition::new(format!(
                    "{op} retires {seat}, which is retiring already"
                )));
            }
            None => return Err(IllegalTransition::new(format!("{op} retires {seat}, which does not exist"))),
        };
        self.begin(op, OpenOp::Retire { seat, instance });
        Ok(())
    }

    /// A retirement is proved: the instance no longer exists.
    ///
    /// # Errors
    /// [`IllegalTransition`].
    pub fn retired(&mut self, op: OpId) -> Result<(), IllegalTransition> {
        let (seat, instance) = match self.open.get(&op) {
            Some(OpenOp::Retire { seat, instance }) => (*seat, instance.clone()),
            _ => return Err(IllegalTransition::new(format!("{op} is not an open retirement"))),
        };
        self.open.remove(&op);
        self.members.remove(&seat);
        self.by_instance.remove(&instance);
        self.gone.insert(instance);
        self.retired += 1;
        Ok(())
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
        let Some(member) = self.members.get_mut(&seat) else {
            return Err(IllegalTransition::new(format!("{seat} was observed, but does not exist")));
        };
        let image = member.image;
        let was_available = member.is_available();
        let illegal = |member: &Member, what: &str| {
            Err(IllegalTransition::new(format!("{seat} became {what}, but was {:?}", member.condition)))
        };
        match (observation, &member.condition) {
            (Observation::Ready { endpoint }, Condition::Launching | Condition::Suspect { .. }) => {
                member.condition = Condition::Ready { since: at };
                member.endpoint = endpoint.or(member.endpoint);
            }
            (Observation::Available, Condition::Ready { .. }) => {
                member.condition = Condition::Available;
                member.in_service = true;
            }
            (Observation::Suspect, Condition::Ready { .. } | Condition::Available) => {
                member.condition = Condition::Suspect { since: at };
            }
            (
                Observation::Broken(cause),
                Condition::Launching
                | Condition::Ready { .. }
                | Condition::Available
                | Condition::Suspect { .. },
            ) => {
                let last = format!("{seat}: {cause}");
                let blame = cause != Cause::Missing;
                member.condition = Condition::Broken { cause };
                if blame {
                    let member = member.clone();
                    self.count_failure(&member, last);
                }
            }
            (Observation::Ready { .. }, _) => return illegal(member, "ready"),
            (Observation::Available, _) => return illegal(member, "available"),
            (Observation::Suspect, _) => return illegal(member, "suspect"),
            (Observation::Broken(_), _) => return illegal(member, "broken"),
        }
        let is_available = self.members.get(&seat).is_some_and(Member::is_available);
        self.tally(image, was_available, is_available);
        Ok(())
    }

    /// An instance of the fleet that nobody knew was found; it becomes a member in a surplus seat and is kept or
    /// retired like any other.
    ///
    /// # Errors
    /// [`IllegalTransition`].
    pub fn found(&mut self, seat: Seat, instance: &Instance, at: Timestamp) -> Result<(), IllegalTransition> {
        self.seat_adopted(&Adopted { seat, instance: instance.clone() }, at)
    }

    /// A check came to a verdict on the current stage.
    ///
    /// # Errors
    /// [`IllegalTransition`].
    pub fn judged(
        &mut self,
        stage: usize,
        gate: GateName,
        judgement: Judgement,
    ) -> Result<(), IllegalTransition> {
        if stage != self.stage {
            return Err(IllegalTransition::new(format!(
                "check `{gate}` judged stage {stage}, but stage {} is current",
                self.stage
            )));
        }
        self.judgements.insert(gate, judgement);
        Ok(())
    }

    /// Somebody approved something. Approvals are kept for the whole rollout, so one may come early.
    pub fn approved(&mut self, name: GateName) {
        self.approvals.insert(name);
    }

    /// Nothing new is begun from now on. Without effect on a rollout that is ending.
    pub fn paused(&mut self) {
        if self.run == Run::Running {
            self.run = Run::Paused;
        }
    }

    /// Goes on after a pause; the time of the pause does not count against the progress deadline.
    pub fn resumed(&mut self, at: Timestamp) {
        if self.run == Run::Paused {
            self.run = Run::Running;
            self.progressed_at = at;
        }
    }

    /// Finishes what was begun and then ends where it stands.
    ///
    /// # Errors
    /// [`IllegalTransition`] after the end.
    pub fn ending(&mut self, conclusion: Conclusion) -> Result<(), IllegalTransition> {
        match self.run {
            Run::Closed(_) => Err(IllegalTransition::new("the rollout is closed")),
            // The first reason to end holds.
            Run::Ending(_) => Ok(()),
            Run::Running | Run::Paused => {
                self.run = Run::Ending(conclusion);
                Ok(())
            }
        }
    }

    /// Turns back to the previous image.
    ///
    /// # Errors
    /// [`IllegalTransition`] when there is none, or when it has turned already: a rollback is never rolled back.
    pub fn turned_back(&mut self, reason: FailReason, at: Timestamp) -> Result<(), IllegalTransition> {
        if self.spec.previous.is_none() {
            return Err(IllegalTransition::new("there is no previous image to go back to"));
        }
        if self.direction != Direction::Forward {
            return Err(IllegalTransition::new("a rollback is never rolled back"));
        }
        if !matches!(self.run, Run::Running | Run::Paused) {
            return Err(IllegalTransition::new("the rollout is ending"));
        }
        self.direction = Direction::Back { reason };
        self.run = Run::Running;
        self.stages = vec![Stage::new(self.spec.budget.desired, 0)];
        self.stage = 0;
        self.complete_since = None;
        self.judgements.clear();
        self.failures = 0;
        self.last_failure = None;
        self.mark = 0;
        self.retired = 0;
        self.progressed_at = at;
        self.recount();
        Ok(())
    }

    /// Goes on to the next stage.
    ///
    /// # Errors
    /// [`IllegalTransition`].
    pub fn advanced(&mut self, stage: usize, at: Timestamp) -> Result<(), IllegalTransition> {
        if stage != self.stage + 1 || stage >= self.stages.len() {
            return Err(IllegalTransition::new(format!(
                "went on to stage {stage}, but stage {} of {} is current",
                self.stage,
                self.stages.len()
            )));
        }
        self.stage = stage;
        self.complete_since = None;
        self.judgements.clear();
        self.progressed_at = at;
        Ok(())
    }

    /// Ends.
    ///
    /// # Errors
    /// [`IllegalTransition`] while an intent has no outcome.
    pub fn closed(&mut self, conclusion: Conclusion) -> Result<(), IllegalTransition> {
        if let Some((op, _)) = self.open.first_key_value() {
            return Err(IllegalTransition::new(format!("the rollout ends, but {op} has no outcome")));
        }
        self.run = Run::Closed(conclusion);
        Ok(())
    }

    /// Takes stock after a transition: progress, and whether the stage is complete.
    pub fn settle(&mut self, at: Timestamp) {
        let reached = self.retired + u64::from(self.available_new);
        if reached > self.mark {
            self.mark = reached;
            self.progressed_at = at;
        }
        let complete = self.is_complete();
        match (complete, self.complete_since) {
            (true, None) => self.complete_since = Some(at),
            (false, Some(_)) => {
                // Work came up again after a stage was complete: its deadline begins now, not when the stage was done.
                self.complete_since = None;
                self.progressed_at = at;
                self.judgements.retain(|_, judgement| judgement.verdict == Verdict::Fail);
            }
            _ => {}
        }
    }

    fn is_complete(&self) -> bool {
        let stage = &self.stages[self.stage];
        let desired = self.spec.budget.desired;
        let all_available = (self.available_new + self.available_old) as usize == self.members.len();
        all_available
            && self.open.is_empty()
            && (stage.new.min(desired)..=desired).contains(&self.available_new)
            && self.available_old <= stage.old
    }

    fn tally(&mut self, image: Digest, before: bool, after: bool) {
        let wanted = self.wanted();
        let count = if image == wanted { &mut self.available_new } else { &mut self.available_old };
        *count = *count + u32::from(after) - u32::from(before);
    }

    /// Counts anew what is available, after another image became the wanted one.
    fn recount(&mut self) {
        let wanted = self.wanted();
        let available = || self.members.values().filter(|member| member.is_available());
        let new = available().filter(|member| member.image == wanted).count();
        let old = available().count() - new;
        self.available_new = u32::try_from(new).unwrap_or(u32::MAX);
        self.available_old = u32::try_from(old).unwrap_or(u32::MAX);
    }

    pub(super) fn seat_adopted(
        &mut self,
        adopted: &Adopted,
        now: Timestamp,
    ) -> Result<(), IllegalTransition> {
        let seat = adopted.seat;
        if self.members.contains_key(&seat) || seat.attempt != Attempt(0) {
            return Err(IllegalTransition::new(format!("{seat} cannot take an instance from outside")));
        }
        if self.by_instance.insert(adopted.instance.id.clone(), seat).is_some() {
            return Err(IllegalTransition::new(format!("{} has two seats", adopted.instance.id)));
        }
        self.attempts.entry(seat.slot).or_insert(0);
        let member = Member::adopt(adopted, self.spec.limits.min_ready, now);
        self.tally(member.image, false, member.is_available());
        self.members.insert(seat, member);
        Ok(())
    }

    fn check_running(&self, op: OpId) -> Result<(), IllegalTransition> {
        if op != self.next_op() {
            return Err(IllegalTransition::new(format!(
                "{op} was intended where {} is the next",
                self.next_op()
            )));
        }
        if self.run != Run::Running {
            return Err(IllegalTransition::new(format!("{op} was intended while nothing may be begun")));
        }
        Ok(())
    }

    fn begin(&mut self, op: OpId, open: OpenOp) {
        self.open.insert(op, open);
        self.next_op = op.0 + 1;
    }

    fn count_failure(&mut self, member: &Member, what: String) {
        let ours = member.seat.attempt > Attempt(0);
        if ours && member.image == self.wanted() {
            self.failures += 1;
            self.last_failure = Some(what);
        }
    }
}
