use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio_util::sync::CancellationToken;

use super::act::{self, Action};
use super::backoff::Backoff;
use super::route::Routes;
use super::{Controller, ControllerError};
use crate::error::{Retry, with_causes};
use crate::event::{Event, EventKind};
use crate::fleet::FleetError;
use crate::id::{GateName, InstanceId, Slot};
use crate::journal::{Control, Decided, Fact, Journal, JournalError, Record};
use crate::plan::PlanReport;
use crate::planner::{Conclusion, Condition, Member, OpId, OpenOp, RolloutState, explain, next_due};
use crate::time::Timestamp;

/// How long between two reports of what a rollout waits for, and how much longer for each instance.
const REPORT_AT_MOST: Duration = Duration::from_millis(5);
const REPORT_PER_INSTANCE: Duration = Duration::from_millis(1);
/// How much longer between two looks at the whole fleet for each of its instances.
const PER_INSTANCE: Duration = Duration::from_micros(20);

/// A call that is repeated with pauses when it fails.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Call {
    Commit,
    Observe,
    Router,
    Op(OpId),
    /// A launch in a slot in which the platform has refused another image than the wanted one.
    Refused(Slot),
    Gate(GateName),
}

/// One controller running one rollout.
///
/// A turn hears, observes, decides, commits and then acts; calls to the platform go on between turns, so a slow one
/// holds up nothing else. Only what is committed is acted upon.
pub(super) struct Run<'c> {
    pub(super) controller: &'c Controller,
    pub(super) journal: Journal,
    pub(super) actions: FuturesUnordered<Action>,
    pub(super) in_flight: BTreeSet<OpId>,
    pub(super) asked: BTreeSet<GateName>,
    pub(super) told: BTreeSet<OpId>,
    /// Since when this controller has seen the router drain an instance.
    pub(super) draining: BTreeMap<InstanceId, Timestamp>,
    pub(super) backoff: Backoff<Call>,
    /// Revision of the last snapshot, and when it was taken.
    pub(super) seen: Option<(u64, Timestamp)>,
    /// Something has changed since.
    pub(super) stale: bool,
    pub(super) polled_at: Timestamp,
    /// What the router did before the changes of this turn; `None` while nobody knows.
    pub(super) routes: Option<Routes>,
    /// It did what it must without a change, when it was last asked.
    pub(super) routed: bool,
    pub(super) routed_at: Option<Timestamp>,
    /// Nothing more can be done now, and observers were not told yet why.
    waits: bool,
    /// Why that was so when observers were told last, and when that was.
    reported: Option<(Timestamp, PlanReport)>,
    /// Until when the last decision holds if nothing is recorded before.
    pub(super) decided_until: Option<Timestamp>,
    /// What was said to this controller and is recorded, but not written yet.
    heard: Vec<Control>,
    /// What must be recorded again, because somebody else wrote first.
    unheard: Vec<Control>,
    /// It is over but for the router.
    pub(super) closing: bool,
    /// Something that was begun cannot be finished as things are.
    pub(super) stuck: Option<(OpId, FleetError)>,
}

impl<'c> Run<'c> {
    pub(super) fn new(controller: &'c Controller, journal: Journal) -> Self {
        journal.state().into_iter().for_each(|state| controller.pulse.beat(state));
        let in_flight = seeded!(PredecessorTrusted => open_ops(&journal); else BTreeSet::new());
        let seed = journal.state().map_or(crate::seed::Seed::new(0), |state| state.spec().seed);
        Self {
            backoff: Backoff::new(&controller.options, seed.child("retry")),
            polled_at: journal.fold().time(&controller.clock.read()),
            controller,
            journal,
            actions: FuturesUnordered::new(),
            in_flight,
            asked: BTreeSet::new(),
            told: BTreeSet::new(),
            draining: BTreeMap::new(),
            seen: None,
            stale: true,
            routes: None,
            routed: false,
            routed_at: None,
            waits: false,
            reported: None,
            decided_until: None,
            heard: Vec::new(),
            unheard: Vec::new(),
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
                Err(ControllerError::Journal(JournalError::Moved { .. })) => {
                    self.begin_anew();
                    continue;
                }
                Err(error) => return Err(error),
            }
            if cancel.is_cancelled() {
                return Err(ControllerError::Cancelled { rollout: self.journal.fold().rollout().clone() });
            }
            self.wait(cancel).await?;
        }
    }

    /// Somebody spoke to the rollout: the state is new, what was recorded and not written is dropped, and so everything
    /// is seen, decided and said anew.
    fn begin_anew(&mut self) {
        self.stale = true;
        self.decided_until = None;
        self.closing = false;
        self.routed = false;
        self.unheard.append(&mut self.heard);
    }

    async fn turn(&mut self) -> Result<Option<Conclusion>, ControllerError> {
        let conclusion = match self.state()?.conclusion().cloned() {
            // Recorded in an earlier turn, but not written yet: there is nothing to add.
            Some(conclusion) => {
                self.polled_at = self.now();
                Some(conclusion)
            }
            None => {
                self.hear()?;
                self.poll_journal().await?;
                self.observe().await?;
                self.decide()?
            }
        };
        seeded!(ActFirst => self.act()?);
        let wrote = self.journal.is_dirty();
        if !self.commit().await? {
            return Ok(None);
        }
        if conclusion.is_some() {
            return Ok(conclusion);
        }
        self.report()?;
        // An ending rollout waits for nothing but what it began.
        if self.state()?.is_ending()
            && self.in_flight.is_empty()
            && let Some((_, source)) = self.stuck.take()
        {
            let rollout = self.journal.fold().rollout().clone();
            return Err(ControllerError::Stuck { rollout, source });
        }
        self.route(wrote).await?;
        self.act()?;
        Ok(None)
    }

    pub(super) fn state(&self) -> Result<&RolloutState, ControllerError> {
        let rollout = || self.journal.fold().rollout().clone();
        Ok(self.journal.state().ok_or_else(|| JournalError::NotFound { rollout: rollout() })?)
    }

    /// The time of the journal, by the clock of this controller.
    pub(super) fn now(&self) -> Timestamp {
        self.journal.fold().time(&self.controller.clock.read())
    }

    pub(super) fn record(&mut self, record: Record, now: Timestamp) -> Result<(), ControllerError> {
        Ok(self.journal.record(record, now)?)
    }

    fn hear(&mut self) -> Result<(), ControllerError> {
        let now = self.now();
        if self.journal.fold().has_unheard() {
            self.record(Record::Fact(Fact::TakenUp), now)?;
        }
        let mut controls = std::mem::take(&mut self.unheard);
        controls.extend(self.controller.control.take());
        for control in controls {
            self.record(Record::Control(control.clone()), now)?;
            self.heard.push(control);
        }
        Ok(())
    }

    /// Looks for what other processes wrote, when nothing made this one write for a while.
    async fn poll_journal(&mut self) -> Result<(), ControllerError> {
        let now = self.now();
        if now < self.polled_at + self.controller.options.poll {
            return Ok(());
        }
        self.polled_at = now;
        let suspect = |member: Member<'_>| matches!(member.condition, Condition::Suspect { .. });
        let due = self.seen.is_none_or(|(_, at)| now >= at + self.controller.options.observe_at_least);
        let announced = self.controller.fleet.capabilities().events;
        self.stale |= due && !seeded!(EdgeTriggered) || !announced || self.state()?.members().any(suspect);
        // A commit that is still to be written will find out by itself.
        if self.journal.is_dirty() {
            return Ok(());
        }
        self.is_owner().await.map(|_| ())
    }

    /// Whether the journal says that nobody else wrote; `false` if it cannot be read now.
    pub(super) async fn is_owner(&mut self) -> Result<bool, ControllerError> {
        match self.journal.catch_up().await {
            Ok(()) => Ok(true),
            Err(JournalError::Store { source, .. }) if source.retry != Retry::Never => {
                self.trouble("read the journal", &source);
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn observe(&mut self) -> Result<(), ControllerError> {
        let now = self.now();
        let recent = self
            .seen
            .is_some_and(|(_, seen_at)| now < seen_at + self.pace(self.controller.options.observe_at_most));
        if self.stale && !recent && self.backoff.may(&Call::Observe, now) {
            match self.controller.fleet.observe().await {
                Ok(snapshot) => {
                    self.backoff.succeeded(&Call::Observe);
                    self.stale = false;
                    let now = self.now();
                    self.seen = Some((snapshot.revision, now));
                    self.journal.observe(&snapshot, now)?;
                }
                // What was last seen holds until more is known: no fact, no decision against an instance.
                Err(error) => {
                    self.backoff.failed(Call::Observe, error.retry(), now);
                    self.trouble("observe the fleet", &error);
                }
            }
        }
        let now = self.now();
        self.journal.fall_due(now)?;
        Ok(())
    }

    /// Records what the kernel decides until it has nothing more to say. Returns the end, once it is recorded.
    fn decide(&mut self) -> Result<Option<Conclusion>, ControllerError> {
        let now = self.now();
        if !self.closing && !self.journal.is_dirty() && self.decided_until.is_some_and(|until| now < until) {
            return Ok(None);
        }
        match self.journal.decide(now)? {
            Decided::Wait => {
                self.waits = true;
                self.decided_until = Some(next_due(self.state()?, now).unwrap_or(Timestamp::MAX));
                Ok(None)
            }
            Decided::Done(conclusion) => {
                // What this turn has learned the router does not know yet.
                let is_routed = self.routed && !self.journal.is_dirty();
                self.closing = self.controller.router.is_some() && !is_routed;
                if self.closing {
                    return Ok(None);
                }
                self.record(Record::Close { conclusion: conclusion.clone() }, now)?;
                Ok(Some(conclusion))
            }
        }
    }

    /// Tells observers what the rollout waits for, after what led to it and only when it has changed.
    ///
    /// Every slot is looked at for it, so it is not done at every turn of a busy rollout.
    fn report(&mut self) -> Result<(), ControllerError> {
        let now = self.now();
        if !self.waits || self.next_report().is_some_and(|at| now < at) {
            return Ok(());
        }
        self.waits = false;
        let report = explain(self.state()?, now);
        let known = self.reported.take().map(|(_, report)| report);
        if known.as_ref() != Some(&report) {
            self.emit(now, EventKind::Waiting(Box::new(report.clone())));
        }
        self.reported = Some((now, report));
        Ok(())
    }

    fn next_report(&self) -> Option<Timestamp> {
        let members = self.journal.state().map_or(0, RolloutState::size);
        self.reported.as_ref().map(|(at, _)| *at + REPORT_AT_MOST + REPORT_PER_INSTANCE * members)
    }

    /// How long to wait between two looks at the whole fleet: the longer the more there is to look at, so that a large
    /// fleet is not looked at all the time.
    pub(super) fn pace(&self, at_least: Duration) -> Duration {
        let members = self.journal.state().map_or(0, RolloutState::size);
        at_least + PER_INSTANCE * members
    }

    /// Whether everything recorded is committed.
    async fn commit(&mut self) -> Result<bool, ControllerError> {
        let now = self.now();
        if !self.backoff.may(&Call::Commit, now) {
            return Ok(false);
        }
        match self.journal.commit(&self.controller.clock.read()).await {
            Ok(committed) => {
                self.backoff.succeeded(&Call::Commit);
                self.heard.clear();
                self.journal.state().into_iter().for_each(|state| self.controller.pulse.beat(state));
                self.keep();
                if let Some((seq, records)) = committed {
                    self.polled_at = now;
                    self.controller.tell(self.journal.fold().rollout(), now, seq, records);
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

    /// Begins to store a checkpoint, if one is due: beside everything else, and nobody waits for it.
    fn keep(&mut self) {
        if let Some((key, checkpoint)) = self.journal.checkpoint(self.controller.options.checkpoint_after) {
            self.actions.push(act::keep(Arc::clone(&self.controller.store), key, checkpoint));
        }
    }

    /// Since when each instance has been leaving that is not being stopped yet.
    pub(super) fn draining_since(&self) -> Result<impl Iterator<Item = Timestamp>, ControllerError> {
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
        let pace = self.pace(options.observe_at_most);
        let mut earlier = |at: Timestamp| wake = wake.min(at);
        next_due(self.state()?, now).into_iter().for_each(&mut earlier);
        self.backoff.next(now).into_iter().for_each(&mut earlier);
        if self.waits {
            // One that is late waits for a commit.
            self.next_report().filter(|at| *at > now).into_iter().for_each(&mut earlier);
        }
        // Who has only to write the end does not look again, so must not be woken for it.
        let looks = self.state()?.conclusion().is_none();
        if looks && self.stale && self.backoff.may(&Call::Observe, now) {
            earlier(self.seen.map_or(now, |(_, seen_at)| seen_at + pace));
        }
        let has_router = self.controller.router.is_some();
        if has_router && self.backoff.may(&Call::Router, now) {
            if self.closing || !self.routed {
                earlier(now + options.drain_poll);
            }
            // The longer an instance has been draining, the longer it may still take: a tenth of that is soon enough.
            let waits = self.draining_since()?.map(|since| (now.since(since) / 10).max(options.drain_poll));
            waits.min().into_iter().for_each(|wait| earlier(now + wait.min(options.poll)));
        }

        let wake = self.journal.fold().skew().shown(wake);
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

    pub(super) fn emit(&self, at: Timestamp, kind: EventKind) {
        self.controller.sink.emit(&Event::new(at, self.journal.fold().rollout().clone(), kind));
    }

    pub(super) fn trouble(&self, during: &'static str, error: &dyn std::error::Error) {
        self.emit(self.now(), EventKind::Trouble { during, error: with_causes(error) });
    }
}

#[cfg(seeded_bugs)]
fn open_ops(journal: &Journal) -> BTreeSet<OpId> {
    journal.state().into_iter().flat_map(RolloutState::open_ops).map(|(op, _)| op).collect()
}
