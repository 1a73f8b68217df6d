use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio_util::sync::CancellationToken;

use super::act::{self, Action, Finished};
use super::backoff::Backoff;
use super::error::with_causes;
use super::route::{self, Routes};
use super::{Controller, ControllerError, judge, observe};
use crate::error::Retry;
use crate::event::{Event, EventKind};
use crate::fleet::{FleetError, LaunchRequest, Route, RouteState};
use crate::gate::Verdict;
use crate::id::{GateName, InstanceId};
use crate::journal::{Fact, Intent, Journal, JournalError, Outcome, Record};
use crate::plan::{PlanReport, Step};
use crate::planner::{Conclusion, Condition, Decision, OpId, OpenOp, RolloutState, decide, due, next_due};
use crate::time::Timestamp;

/// A call that is repeated with pauses when it fails.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Call {
    Commit,
    Observe,
    Router,
    Op(OpId),
    Gate(GateName),
}

/// One controller running one rollout.
///
/// A turn hears, observes, decides, commits and then acts; calls to the platform go on between turns, so a slow one
/// holds up nothing else. Only what is committed is acted upon.
pub(super) struct Run<'c> {
    controller: &'c Controller,
    journal: Journal,
    actions: FuturesUnordered<Action>,
    in_flight: BTreeSet<OpId>,
    asked: BTreeSet<GateName>,
    told: BTreeSet<OpId>,
    backoff: Backoff<Call>,
    /// Revision of the last snapshot, and when it was taken.
    seen: Option<(u64, Timestamp)>,
    /// Something has changed since.
    stale: bool,
    polled_at: Timestamp,
    /// What the router did before the changes of this turn; `None` while nobody knows.
    routes: Option<Routes>,
    reported: Option<PlanReport>,
    /// Until when the last decision holds if nothing is recorded before.
    decided_until: Option<Timestamp>,
    /// It is over but for the router.
    closing: bool,
    /// Something that was begun cannot be finished as things are.
    stuck: Option<(OpId, FleetError)>,
}

impl<'c> Run<'c> {
    pub(super) fn new(controller: &'c Controller, journal: Journal) -> Self {
        let seed = journal.state().map_or(crate::seed::Seed::new(0), |state| state.spec().seed);
        Self {
            backoff: Backoff::new(&controller.options, seed.child("retry")),
            polled_at: controller.clock.now(),
            controller,
            journal,
            actions: FuturesUnordered::new(),
            in_flight: BTreeSet::new(),
            asked: BTreeSet::new(),
            told: BTreeSet::new(),
            seen: None,
            stale: true,
            routes: None,
            reported: None,
            decided_until: None,
            closing: false,
            stuck: None,
        }
    }

    pub(super) async fn finish_rollout(
        mut self,
        cancel: &CancellationToken,
    ) -> Result<Conclusion, ControllerError> {
        loop {
            match self.turn().await {
                Ok(Some(conclusion)) => return Ok(conclusion),
                Ok(None) => {}
                // Somebody spoke to the rollout: the state is new, and so is the next decision.
                Err(ControllerError::Journal(JournalError::Moved { .. })) => continue,
                Err(error) => return Err(error),
            }
            if cancel.is_cancelled() {
                return Err(ControllerError::Cancelled { rollout: self.journal.fold().rollout().clone() });
            }
            self.wait(cancel).await?;
        }
    }

    async fn turn(&mut self) -> Result<Option<Conclusion>, ControllerError> {
        self.hear()?;
        self.poll_journal().await?;
        self.observe().await?;
        let conclusion = self.decide()?;
        if !self.commit().await? {
            return Ok(None);
        }
        if conclusion.is_some() {
            return Ok(conclusion);
        }
        // An ending rollout waits for nothing but what it began.
        if self.state()?.is_ending()
            && self.in_flight.is_empty()
            && let Some((_, source)) = self.stuck.take()
        {
            let rollout = self.journal.fold().rollout().clone();
            return Err(ControllerError::Stuck { rollout, source });
        }
        self.route().await;
        self.act()?;
        Ok(None)
    }

    fn state(&self) -> Result<&RolloutState, ControllerError> {
        let rollout = || self.journal.fold().rollout().clone();
        Ok(self.journal.state().ok_or_else(|| JournalError::NotFound { rollout: rollout() })?)
    }

    fn now(&self) -> Timestamp {
        self.controller.clock.now()
    }

    fn record(&mut self, record: Record, now: Timestamp) -> Result<(), ControllerError> {
        Ok(self.journal.record(record, now)?)
    }

    fn hear(&mut self) -> Result<(), ControllerError> {
        let now = self.now();
        for control in self.controller.control.take() {
            self.record(Record::Control(control), now)?;
        }
        Ok(())
    }

    /// Looks for what other processes wrote, when nothing made this one write for a while.
    async fn poll_journal(&mut self) -> Result<(), ControllerError> {
        let now = self.now();
        if now < self.polled_at + self.controller.options.poll || self.journal.is_dirty() {
            return Ok(());
        }
        self.polled_at = now;
        self.stale = true;
        match self.journal.catch_up().await {
            Err(JournalError::Store { source, .. }) if source.retry != Retry::Never => {
                self.trouble("read the journal", &source);
                Ok(())
            }
            result => Ok(result?),
        }
    }

    async fn observe(&mut self) -> Result<(), ControllerError> {
        let now = self.now();
        let recent =
            self.seen.is_some_and(|(_, seen_at)| now < seen_at + self.controller.options.observe_at_most);
        if self.stale && !recent && self.backoff.may(&Call::Observe, now) {
            match self.controller.fleet.observe().await {
                Ok(snapshot) => {
                    self.backoff.succeeded(&Call::Observe);
                    self.stale = false;
                    let now = self.now();
                    self.seen = Some((snapshot.revision, now));
                    for record in observe::launches(self.state()?, &snapshot) {
                        self.record(record, now)?;
                    }
                    for record in observe::members(self.state()?, &snapshot, now) {
                        self.record(record, now)?;
                    }
                    for record in observe::strangers(self.state()?, &snapshot) {
                        self.record(record, now)?;
                    }
                }
                // What was last seen holds until more is known: no fact, no decision against an instance.
                Err(error) => {
                    self.backoff.failed(Call::Observe, error.retry(), now);
                    self.trouble("observe the fleet", &error);
                }
            }
        }
        let now = self.now();
        for (seat, observation) in due(self.state()?, now) {
            self.record(Record::Fact(Fact::Observed { seat, observation }), now)?;
        }
        Ok(())
    }

    /// Records what the kernel decides until it has nothing more to say. Returns the end, once it is recorded.
    fn decide(&mut self) -> Result<Option<Conclusion>, ControllerError> {
        let now = self.now();
        if !self.closing && !self.journal.is_dirty() && self.decided_until.is_some_and(|until| now < until) {
            return Ok(None);
        }
        loop {
            match decide(self.state()?, now) {
                Decision::Act(steps) => {
                    for step in steps {
                        let record = self.intent(step)?;
                        self.record(record, now)?;
                    }
                }
                Decision::Wait(report) => {
                    if self.reported.as_ref() != Some(&report) {
                        self.emit(now, EventKind::Waiting(Box::new(report.clone())));
                        self.reported = Some(report);
                    }
                    self.decided_until = Some(next_due(self.state()?, now).unwrap_or(Timestamp::MAX));
                    return Ok(None);
                }
                Decision::TurnBack(reason) => self.record(Record::TurnBack { reason }, now)?,
                Decision::End(conclusion) => self.record(Record::End { conclusion }, now)?,
                Decision::Done(conclusion) => {
                    self.closing = !self.is_routed()?;
                    if self.closing {
                        return Ok(None);
                    }
                    self.record(Record::Close { conclusion: conclusion.clone() }, now)?;
                    return Ok(Some(conclusion));
                }
            }
        }
    }

    fn intent(&self, step: Step) -> Result<Record, ControllerError> {
        let state = self.state()?;
        let op = state.next_op();
        Ok(match step {
            Step::Launch { seat, zone, image } => {
                let token = crate::id::Token::of(&state.spec().rollout, seat.slot, seat.attempt);
                Record::Intent { op, intent: Intent::Launch { seat, zone, image, token } }
            }
            Step::Retire { seat } => Record::Intent { op, intent: Intent::Retire { seat } },
            Step::Advance { stage } => Record::Stage { stage },
        })
    }

    /// Whether the router does what it must, so that the rollout may end.
    fn is_routed(&self) -> Result<bool, ControllerError> {
        Ok(match (&self.controller.router, &self.routes) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(_), Some(routes)) => route::changes(self.state()?, routes).is_empty(),
        })
    }

    /// Whether everything recorded is committed.
    async fn commit(&mut self) -> Result<bool, ControllerError> {
        let now = self.now();
        if !self.backoff.may(&Call::Commit, now) {
            return Ok(false);
        }
        match self.journal.commit(now).await {
            Ok(committed) => {
                self.backoff.succeeded(&Call::Commit);
                if let Some((seq, records)) = committed {
                    self.polled_at = now;
                    for record in records {
                        self.emit(now, EventKind::Committed { seq, record: Box::new(record) });
                    }
                }
                Ok(true)
            }
            Err(JournalError::Store { source, .. }) if source.retry != Retry::Never => {
                self.backoff.failed(Call::Commit, source.retry, now);
                self.trouble("write the journal", &source);
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn route(&mut self) {
        let now = self.now();
        let Some(router) = self.controller.router.clone() else { return };
        if !self.backoff.may(&Call::Router, now) {
            return;
        }
        self.routes = None;
        let result = async {
            let routes = router.observe().await?;
            let routes: Routes =
                routes.into_iter().map(|route: Route| (route.instance.clone(), route)).collect();
            if let Some(state) = self.journal.state() {
                let changes = route::changes(state, &routes);
                if !changes.is_empty() {
                    router.apply(&changes).await?;
                }
            }
            Ok::<_, crate::fleet::RouterError>(routes)
        };
        match result.await {
            Ok(routes) => {
                self.backoff.succeeded(&Call::Router);
                self.routes = Some(routes);
            }
            Err(error) => {
                self.backoff.failed(Call::Router, error.retry(), now);
                self.trouble("direct the router", &error);
            }
        }
    }

    /// Begins what is committed and not under way.
    fn act(&mut self) -> Result<(), ControllerError> {
        let now = self.now();
        let capabilities = self.controller.fleet.capabilities();
        let mut launches = Vec::new();
        let mut retirements = Vec::new();
        let mut tell = Vec::new();
        let state = self.state()?;
        for (op, open) in state.open_ops() {
            if self.in_flight.contains(&op) || !self.backoff.may(&Call::Op(op), now) {
                continue;
            }
            match open {
                OpenOp::Launch { seat, .. } => {
                    let Some(member) = state.member(*seat) else { continue };
                    let rollout = state.spec().rollout.clone();
                    let (zone, image) = (member.zone.clone(), member.image);
                    launches.push((op, LaunchRequest::new(rollout, seat.slot, seat.attempt, zone, image)));
                }
                OpenOp::Retire { seat, instance } => {
                    let since = match state.member(*seat).map(|member| &member.condition) {
                        Some(Condition::Retiring { since }) => *since,
                        _ => now,
                    };
                    if self.may_stop(instance, since + state.spec().limits.drain_deadline, now) {
                        retirements.push((op, instance.clone()));
                    } else if capabilities.drain && !self.told.contains(&op) {
                        tell.push((op, instance.clone()));
                    }
                }
            }
        }
        let fleet = || Arc::clone(&self.controller.fleet);
        let batch = capabilities.max_batch.max(1);
        for batch in launches.chunks(batch) {
            self.in_flight.extend(batch.iter().map(|(op, _)| *op));
            self.actions.push(act::launch(fleet(), batch.to_vec()));
        }
        for batch in retirements.chunks(batch) {
            self.in_flight.extend(batch.iter().map(|(op, _)| *op));
            self.actions.push(act::terminate(fleet(), self.controller.router.clone(), batch.to_vec()));
        }
        for batch in tell.chunks(batch) {
            self.told.extend(batch.iter().map(|(op, _)| *op));
            let instances = batch.iter().map(|(_, instance)| instance.clone()).collect();
            self.actions.push(act::tell(fleet(), instances));
        }
        for (stage, context) in judge::questions(self.state()?, now) {
            let gate = self.controller.gates.get(&context.gate);
            if let Some(gate) = gate
                && self.backoff.may(&Call::Gate(context.gate.clone()), now)
                && self.asked.insert(context.gate.clone())
            {
                self.actions.push(act::judge(Arc::clone(gate), stage, context));
            }
        }
        Ok(())
    }

    /// Whether a leaving instance may be stopped: the router sends it nothing any more and it has finished what it had,
    /// or its time is up. Never while nobody knows what the router does.
    fn may_stop(&self, instance: &InstanceId, deadline: Timestamp, now: Timestamp) -> bool {
        if self.controller.router.is_none() {
            return true;
        }
        let Some(routes) = &self.routes else { return false };
        // It must have been seen draining: of the changes of this very turn the sessions tell nothing.
        routes.get(instance).is_none_or(|route| {
            route.state == RouteState::Draining && (route.sessions == 0 || now >= deadline)
        })
    }

    /// Since when each instance has been leaving that is not being stopped yet.
    fn draining_since(&self) -> Result<impl Iterator<Item = Timestamp>, ControllerError> {
        let state = self.state()?;
        Ok(state.open_ops().filter_map(move |(op, open)| match open {
            OpenOp::Retire { seat, .. } if !self.in_flight.contains(&op) => {
                match state.member(*seat)?.condition {
                    Condition::Retiring { since } => Some(since),
                    _ => None,
                }
            }
            OpenOp::Retire { .. } | OpenOp::Launch { .. } => None,
        }))
    }

    async fn wait(&mut self, cancel: &CancellationToken) -> Result<(), ControllerError> {
        let options = self.controller.options;
        let now = self.now();
        let mut wake = self.polled_at + options.poll;
        let mut earlier = |at: Timestamp| wake = wake.min(at);
        next_due(self.state()?, now).into_iter().for_each(&mut earlier);
        self.backoff.next(now).into_iter().for_each(&mut earlier);
        if self.stale && self.backoff.may(&Call::Observe, now) {
            earlier(self.seen.map_or(now, |(_, seen_at)| seen_at + options.observe_at_most));
        }
        let has_router = self.controller.router.is_some();
        if has_router && self.backoff.may(&Call::Router, now) {
            if self.closing || !self.is_routed()? {
                earlier(now + options.drain_poll);
            }
            // The longer an instance has been draining, the longer it may still take: a tenth of that is soon enough.
            let waits = self.draining_since()?.map(|since| (now.since(since) / 10).max(options.drain_poll));
            waits.min().into_iter().for_each(|wait| earlier(now + wait.min(options.poll)));
        }

        let Self { controller, actions, seen, stale, .. } = self;
        let changed = async {
            match seen {
                Some((revision, _)) if !*stale && controller.fleet.capabilities().events => {
                    controller.fleet.changed(*revision).await;
                }
                _ => std::future::pending().await,
            }
        };
        let mut finished = Vec::new();
        futures_util::select_biased! {
            () = cancel.cancelled().fuse() => {}
            done = actions.select_next_some() => finished.push(done),
            () = controller.control.said().fuse() => {}
            () = changed.fuse() => *stale = true,
            () = controller.clock.sleep_until(wake).fuse() => {}
        }
        // What ended at the same moment is taken in together.
        while let Some(Some(done)) = actions.next().now_or_never() {
            finished.push(done);
        }
        for done in finished {
            self.finish(done)?;
        }
        Ok(())
    }

    fn finish(&mut self, finished: Finished) -> Result<(), ControllerError> {
        let now = self.now();
        match finished {
            Finished::Launched(results) => {
                for (op, result) in results {
                    let outcome = match result {
                        Ok(launched) => Ok(Outcome::Launched { instance: launched.instance }),
                        // The platform refused it for good, so nothing exists under this token.
                        Err(error) if error.retry() == Retry::Never => {
                            Ok(Outcome::Failed { reason: with_causes(&error) })
                        }
                        Err(error) => Err(error),
                    };
                    self.conclude(op, outcome, "launch an instance", now)?;
                }
            }
            Finished::Terminated(results) => {
                for (op, result) in results {
                    self.conclude(op, result.map(|_| Outcome::Gone), "terminate an instance", now)?;
                }
            }
            Finished::Told => {}
            Finished::Judged(stage, gate, result) => {
                self.asked.remove(&gate);
                let again = Retry::After(self.controller.options.poll);
                match result {
                    Ok(judgement) if judgement.verdict == Verdict::Wait => {
                        self.backoff.failed(Call::Gate(gate), again, now);
                    }
                    // A verdict on a stage that is past or no longer complete is worth nothing.
                    Ok(judgement) => {
                        let state = self.state()?;
                        if state.stage().0 == stage && state.complete_since().is_some() {
                            self.record(Record::Gate { stage, gate, judgement }, now)?;
                        }
                    }
                    Err(error) => {
                        self.backoff.failed(Call::Gate(gate), error.retry, now);
                        self.trouble("ask a check", &error);
                    }
                }
            }
        }
        Ok(())
    }

    fn conclude(
        &mut self,
        op: OpId,
        outcome: Result<Outcome, FleetError>,
        during: &'static str,
        now: Timestamp,
    ) -> Result<(), ControllerError> {
        self.in_flight.remove(&op);
        match outcome {
            Ok(outcome) => {
                self.backoff.succeeded(&Call::Op(op));
                self.stuck.take_if(|(stuck, _)| *stuck == op);
                // A snapshot may have proved it before.
                if self.state()?.open_ops().any(|(open, _)| open == op) {
                    self.record(Record::Outcome { op, outcome }, now)?;
                }
            }
            Err(error) => {
                self.backoff.failed(Call::Op(op), error.retry(), now);
                self.trouble(during, &error);
                if error.retry() == Retry::Never {
                    self.stuck = Some((op, error));
                }
            }
        }
        Ok(())
    }

    fn emit(&self, at: Timestamp, kind: EventKind) {
        self.controller.sink.emit(&Event::new(at, self.journal.fold().rollout().clone(), kind));
    }

    fn trouble(&self, during: &'static str, error: &dyn std::error::Error) {
        self.emit(self.now(), EventKind::Trouble { during, error: with_causes(error) });
    }
}
