//! A rollout and everybody who has to do with it.

use immutable_core::fleet::Standing;
use immutable_core::gate::{GateSpec, Judgement, Verdict};
use immutable_core::journal::{Control, Fact, Fold, Outcome, Record};
use immutable_core::plan::{OnApart, Plan, Seat, Step};
use immutable_core::planner::{
    Cause, Conclusion, Decision, Due, Observation, OpId, OpenOp, RolloutState, decide, due, explain, next_due,
};
use immutable_core::strategy::Reason;
use immutable_core::{Attempt, GateName, InstanceId, Timestamp};

use crate::books::{Entry, Run, Stand};
use crate::case::{Event, Found, image, start};
use crate::checks::{Broken, check, gates_passed};
use crate::ledger::Ledger;
use crate::peers;

pub(crate) struct World {
    pub(crate) fold: Fold,
    pub(crate) ledger: Ledger,
    pub(crate) now: Timestamp,
    pub(crate) records: Vec<(Timestamp, Record)>,
    pub(crate) over: Option<Conclusion>,
    named: u32,
}

impl World {
    pub(crate) fn open(plan: &Plan) -> Self {
        let mut fold = Fold::new(plan.spec.rollout.clone());
        let open = Record::Open {
            spec: Box::new(plan.spec.clone()),
            initial: plan.initial.clone(),
            plan: plan.spec.target,
        };
        fold.record(&open, start()).unwrap();
        let ledger = Ledger::open(plan, fold.state().unwrap(), start());
        Self { fold, ledger, now: start(), records: vec![(start(), open)], over: None, named: 0 }
    }

    pub(crate) fn state(&self) -> &RolloutState {
        self.fold.state().unwrap()
    }

    /// Commits a record, and checks that the kernel took it in and counts as the books do.
    pub(crate) fn record(&mut self, record: Record) -> Result<(), Broken> {
        let refused =
            |error| format!("the kernel refuses what it decided itself or what was seen: {record}: {error}");
        self.fold.record(&record, self.now).map_err(refused)?;
        self.ledger.record(&record, self.now, self.fold.state().unwrap());
        self.records.push((self.now, record));
        Ok(())
    }

    fn say(&mut self, control: Control) -> Result<(), Broken> {
        self.record(Record::Control(control))
    }

    fn see(&mut self, fact: Fact) -> Result<(), Broken> {
        self.record(Record::Fact(fact))
    }

    fn observe(&mut self, seat: Seat, observation: Observation) -> Result<(), Broken> {
        self.see(Fact::Observed { seat, observation })
    }

    /// What time has changed.
    pub(crate) fn dues(&mut self) -> Result<(), Broken> {
        for due in due(self.state(), self.now) {
            let fact = match due {
                Due::Member(seat, observation) => Fact::Observed { seat, observation },
                Due::Rested(slot) => Fact::Rested { slot },
                Due::Window { open } => Fact::Window { open },
            };
            self.see(fact)?;
        }
        Ok(())
    }

    /// The controller decides until it has nothing more to say.
    pub(crate) fn turn(&mut self) -> Result<(), Broken> {
        self.dues()?;
        for _ in 0..1_000 {
            if self.over.is_some() {
                return Ok(());
            }
            let decision = decide(self.state(), self.now);
            if decision != decide(&self.state().clone(), self.now) {
                return Err("the same state gives two decisions".to_owned());
            }
            match decision {
                Decision::Act(steps) => self.act(steps)?,
                Decision::Wait => return self.waits(),
                Decision::NextTarget => {
                    if self.ledger.books.back {
                        return Err("nomad 9: a failed rollout begins with a new target".to_owned());
                    }
                    gates_passed(&self.ledger.books, self.now)?;
                    self.record(Record::NextTarget)?;
                }
                Decision::TurnBack(reason) => {
                    if self.ledger.books.back {
                        return Err("a rollback is rolled back".to_owned());
                    }
                    if self.ledger.books.way_back().is_none() {
                        return Err("it turns back to an image that may not be launched".to_owned());
                    }
                    self.record(Record::TurnBack { reason })?;
                }
                Decision::End(conclusion) => self.record(Record::End { conclusion })?,
                Decision::Done(conclusion) => self.done(conclusion)?,
                other => return Err(format!("unknown decision {other:?}")),
            }
        }
        Err("a turn never ends".to_owned())
    }

    fn waits(&mut self) -> Result<(), Broken> {
        let report = explain(self.state(), self.now);
        if report.waiting.is_empty() {
            return Err(format!("it waits and cannot say for what: {report}"));
        }
        let books = &self.ledger.books;
        let counted = (books.count(|_| true), books.certain(None), books.most(), books.fewest());
        let said = (report.total, report.available, report.max_total, report.min_available);
        if counted == said {
            Ok(())
        } else {
            Err(format!("it reports {said:?} where the books say {counted:?}"))
        }
    }

    fn act(&mut self, steps: Vec<Step>) -> Result<(), Broken> {
        if steps.is_empty() {
            return Err("an act without a step".to_owned());
        }
        let begun = self.ledger.books.clone();
        peers::check_decision(&begun, &steps)?;
        for step in steps {
            check(&self.ledger, &begun, &step, self.now)?;
            self.record(Record::of(step, self.state()))?;
        }
        Ok(())
    }

    /// It is over: exactly what was promised is there.
    fn done(&mut self, conclusion: Conclusion) -> Result<(), Broken> {
        let books = &self.ledger.books;
        if !self.ledger.ops.is_empty() {
            return Err(format!("S10: it ends while {:?} are open", self.ledger.ops));
        }
        match &conclusion {
            Conclusion::Completed | Conclusion::RolledBack { .. } => {
                let stay = books.count(|entry| entry.serves() && !entry.is_old());
                let total = books.count(|_| true);
                // Nobody may take away who is left alone, though it be more than are desired, and it may be as it is.
                let idle = books.count(Entry::is_left_idle);
                let most = books.desired.max(books.count(|entry| entry.skipped && entry.serves()));
                if stay + idle != total || total < books.desired || stay > most {
                    return Err(format!(
                        "S10: {conclusion}, but of {} desired there are {total}, and {stay} of them may stay",
                        books.desired
                    ));
                }
                if books.begun || books.back {
                    gates_passed(books, self.now)?;
                }
                if matches!(conclusion, Conclusion::Completed) == books.back {
                    return Err(format!("{conclusion}, but back is {}", books.back));
                }
            }
            Conclusion::Failed { .. } | Conclusion::Aborted => {
                if books.run != Run::Ending {
                    return Err(format!("{conclusion}, which nobody decided"));
                }
                let orphan = books
                    .entries
                    .iter()
                    .find(|(seat, entry)| seat.attempt > Attempt(0) && entry.is_of_no_use() && !entry.apart);
                if let Some((seat, _)) = orphan.filter(|_| !books.spec.picks_victim) {
                    return Err(format!("S10: {conclusion}, and {seat} is left behind and serves nobody"));
                }
            }
            other => return Err(format!("unknown end {other:?}")),
        }
        self.over = Some(conclusion.clone());
        self.record(Record::Close { conclusion })
    }

    fn op(&self, number: usize, launches: bool) -> Option<OpId> {
        let is = |open: &OpenOp| matches!(open, OpenOp::Launch { .. }) == launches;
        let ops: Vec<OpId> = self.state().open_ops().filter(|(_, open)| is(open)).map(|(op, _)| op).collect();
        (!ops.is_empty()).then(|| ops[number % ops.len()])
    }

    fn seat(&self, number: usize, stands: &[Stand]) -> Option<Seat> {
        let entries = self.ledger.books.entries.iter();
        let seats: Vec<Seat> =
            entries.filter(|(_, entry)| stands.contains(&entry.stand)).map(|(seat, _)| *seat).collect();
        (!seats.is_empty()).then(|| seats[number % seats.len()])
    }

    fn name(&mut self) -> InstanceId {
        self.named += 1;
        InstanceId::new(format!("n-{:04}", self.named)).unwrap()
    }

    fn confirm(&mut self, op: OpId) -> Result<(), Broken> {
        let instance = self.name();
        self.record(Record::Outcome { op, outcome: Outcome::Launched { instance } })
    }

    /// Something happens; what cannot happen now does not.
    pub(crate) fn happen(&mut self, event: &Event) -> Result<(), Broken> {
        use Stand::{Available, Broken, Intended, Leaving, Ready, Starting, Suspect};
        if self.over.is_some() {
            return Ok(());
        }
        const ALIVE: [Stand; 4] = [Starting, Ready, Available, Suspect];
        const ANY: [Stand; 7] = [Intended, Starting, Ready, Available, Suspect, Broken, Leaving];
        let ready = || Observation::Ready { endpoint: None };
        match event {
            Event::Turn => self.turn()?,
            Event::Work => {
                self.turn()?;
                if self.over.is_none() {
                    self.finish_all()?;
                }
            }
            Event::Wait(seconds) => {
                self.now = self.now + std::time::Duration::from_secs((*seconds).into());
                self.dues()?;
            }
            Event::Confirm(number) => self.op(*number, true).map_or(Ok(()), |op| self.confirm(op))?,
            Event::Refuse(number) => {
                if let Some(op) = self.op(*number, true) {
                    let outcome = Outcome::Failed { reason: "refused".to_owned() };
                    self.record(Record::Outcome { op, outcome })?;
                }
            }
            Event::Gone(number) => {
                if let Some(op) = self.op(*number, false) {
                    self.record(Record::Outcome { op, outcome: Outcome::Gone })?;
                }
            }
            Event::Ready(number) => {
                if let Some(seat) = self.seat(*number, &[Starting, Suspect]) {
                    self.observe(seat, ready())?;
                    self.dues()?;
                }
            }
            Event::Suspect(number) => {
                if let Some(seat) = self.seat(*number, &[Ready, Available]) {
                    self.observe(seat, Observation::Suspect)?;
                }
            }
            Event::Stops(number) => {
                if let Some(seat) = self.seat(*number, &ALIVE) {
                    let cause = Cause::Stopped("exit code 1".to_owned());
                    self.observe(seat, Observation::Broken(cause))?;
                }
            }
            Event::Vanishes(number) => {
                if let Some(seat) = self.seat(*number, &ALIVE) {
                    self.observe(seat, Observation::Broken(Cause::Missing))?;
                }
            }
            Event::Stranger(found) => self.stranger(found)?,
            Event::Mark(number, reason) => {
                if let Some(seat) = self.seat(*number, &ANY) {
                    self.see(Fact::Marked { seat, reason: *reason })?;
                }
            }
            Event::Apart(number, standing) => {
                if let Some(seat) = self.seat(*number, &ALIVE) {
                    self.see(Fact::Standing { seat, standing: *standing })?;
                }
            }
            Event::Ask(number) => {
                if let Some(seat) = self.seat(*number, &ANY) {
                    self.say(Control::Replace { seat })?;
                }
            }
            Event::Revoke(number) => self.see(Fact::Revoked { image: image(*number) })?,
            Event::Resize(desired) => self.say(Control::Resize { desired: *desired })?,
            Event::Retarget(number) => self.say(Control::Retarget { target: image(*number) })?,
            Event::Relimit(limits) => self.say(Control::Limits { limits: limits.clone() })?,
            Event::Pause => self.say(Control::Pause)?,
            Event::Resume => self.say(Control::Resume)?,
            Event::Approve => self.approve(false)?,
            Event::Judge(verdict) => self.judge(*verdict)?,
            Event::Rollback => self.say(Control::Rollback)?,
            Event::Abort => self.say(Control::Abort)?,
        }
        Ok(())
    }

    fn stranger(&mut self, found: &Found) -> Result<(), Broken> {
        let id = self.name();
        let instance = found.instance(id, self.now);
        if self.state().leaves_alone(instance.standing) {
            return Ok(());
        }
        let seat = self.state().surplus_seat();
        self.see(Fact::Found { seat, instance: Box::new(instance) })
    }

    fn gates(&self, is: impl Fn(&GateSpec) -> Option<GateName>) -> Vec<GateName> {
        self.state().stage().1.gates.iter().filter_map(is).collect()
    }

    fn approve(&mut self, all: bool) -> Result<(), Broken> {
        let approvals = self.gates(|gate| match gate {
            GateSpec::Approval(name) => Some(name.clone()),
            _ => None,
        });
        for name in approvals {
            if all || !self.ledger.books.approvals.contains(&name) {
                self.say(Control::Approve { name })?;
            }
        }
        Ok(())
    }

    fn judge(&mut self, verdict: Verdict) -> Result<(), Broken> {
        let checks = self.gates(|gate| match gate {
            GateSpec::Check(name) => Some(name.clone()),
            _ => None,
        });
        // Checks are asked about complete stages only.
        for gate in checks {
            if self.ledger.books.verdicts.get(&gate) == Some(&verdict) {
                continue;
            }
            if self.state().complete_since().is_none() {
                return Ok(());
            }
            let stage = self.state().stage().0;
            let judgement = Judgement::new(verdict, "errors", "some");
            self.record(Record::Gate { stage, gate, judgement })?;
        }
        Ok(())
    }

    /// Everything that was begun succeeds, and everybody alive is ready.
    pub(crate) fn finish_all(&mut self) -> Result<(), Broken> {
        while let Some(op) = self.op(0, true) {
            self.confirm(op)?;
        }
        while let Some(op) = self.op(0, false) {
            self.record(Record::Outcome { op, outcome: Outcome::Gone })?;
        }
        while let Some(seat) = self.seat(0, &[Stand::Starting, Stand::Suspect]) {
            self.observe(seat, Observation::Ready { endpoint: None })?;
        }
        self.dues()
    }

    /// Nobody interferes any more: everything succeeds, every gate passes, nobody is protected but those whom the rollout
    /// leaves alone, and what a passive stage leaves to chance is asked for. Returns the end, and after how many rounds.
    pub(crate) fn heal(&mut self, most: u32) -> Result<(Conclusion, u32), Broken> {
        for round in 0..most {
            if let Some(conclusion) = &self.over {
                return Ok((conclusion.clone(), round));
            }
            let known = self.records.len();
            if self.state().is_paused() {
                self.say(Control::Resume)?;
            }
            self.free()?;
            self.turn()?;
            if self.over.is_some() {
                continue;
            }
            self.finish_all()?;
            self.approve(false)?;
            self.judge(Verdict::Pass)?;
            self.ask_for_all()?;
            if self.records.len() == known {
                let Some(next) = next_due(self.state(), self.now) else {
                    let report = explain(self.state(), self.now);
                    return Err(format!("stuck for ever: {report}"));
                };
                self.now = next;
            }
        }
        let report = explain(self.state(), self.now);
        Err(format!("not over after {most} rounds: {report}"))
    }

    fn free(&mut self) -> Result<(), Broken> {
        let spec = self.state().spec();
        // Who is left alone stays apart for ever.
        let waits = [spec.on_protected, spec.on_standby].contains(&OnApart::Wait);
        let apart = self.ledger.books.entries.iter().filter(|(_, entry)| entry.apart && entry.lives());
        let apart: Vec<Seat> = apart.map(|(seat, _)| *seat).collect();
        for seat in apart.into_iter().filter(|_| waits) {
            self.see(Fact::Standing { seat, standing: Standing::PLAIN })?;
        }
        Ok(())
    }

    fn ask_for_all(&mut self) -> Result<(), Broken> {
        if !self.state().stage().1.passive {
            return Ok(());
        }
        let entries = self.ledger.books.entries.iter();
        let old = entries.filter(|(_, entry)| entry.lives() && entry.is_old() && !entry.is_urgent());
        let old: Vec<Seat> = old.map(|(seat, _)| *seat).collect();
        for seat in old {
            self.see(Fact::Marked { seat, reason: Reason::Requested })?;
        }
        Ok(())
    }
}
