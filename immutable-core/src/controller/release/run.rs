use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio_util::sync::CancellationToken;

use super::guard::Floor;
use super::leg::{self, Done, Going, LegError, Look, Remedy, Task};
use super::{ReleaseController, ReleaseRunError};
use crate::controller::ControllerError;
use crate::controller::backoff::Backoff;
use crate::controller::pulse::Beat;
use crate::error::{Retry, with_causes};
use crate::event::{Event, EventKind};
use crate::id::{FleetId, RolloutId};
use crate::journal::{Control, Journal, JournalError, Leg, ReleaseControl, ReleaseRecord, ReleaseState};
use crate::planner::Conclusion;
use crate::release::{GroupPhase, ReleaseEvent, ReleaseOutcome, ReleaseReport};
use crate::seed::Seed;
use crate::time::Timestamp;

/// How long between two reports of a release, and how much longer for each of its groups.
const REPORT_AT_MOST: Duration = Duration::from_millis(5);
const REPORT_PER_GROUP: Duration = Duration::from_micros(100);

/// A call that is repeated with pauses when it fails.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Call {
    Commit,
    Leg(FleetId),
    Look(FleetId),
}

/// What the rollout of a group that runs was told.
#[derive(Clone, Debug)]
pub(super) struct Told {
    rollout: RolloutId,
    paused: bool,
    aborted: bool,
    turned_back: bool,
}

/// One controller running one release.
///
/// A turn hears, takes in what ended, decides, commits and then acts. Only what is committed is acted upon; what is acted
/// upon follows from what is committed, so a successor does the same.
pub(super) struct Run<'c> {
    pub(super) controller: &'c ReleaseController,
    journal: Journal<ReleaseState>,
    going: FuturesUnordered<Going<'c>>,
    /// The groups whose rollouts run here, and what they were told.
    pub(super) running: BTreeMap<FleetId, Told>,
    /// The groups whose controllers have run a rollout for this one.
    used: BTreeSet<FleetId>,
    /// The rollouts that are over.
    concluded: BTreeMap<RolloutId, Conclusion>,
    /// What the fleets of guarded services have, of groups whose rollouts do not run here yet.
    pub(super) seen: BTreeMap<FleetId, Look>,
    watched: BTreeSet<FleetId>,
    pub(super) floors: BTreeMap<FleetId, Floor>,
    backoff: Backoff<Call>,
    polled_at: Timestamp,
    /// A group that cannot go on, so that no other one begins.
    pub(super) broken: Option<(FleetId, ControllerError)>,
    /// What was said to this controller and is recorded, but not written yet.
    heard: Vec<ReleaseControl>,
    /// What must be recorded again, because somebody else wrote first.
    unheard: Vec<ReleaseControl>,
    reported: Option<(Timestamp, ReleaseReport)>,
}

impl<'c> Run<'c> {
    pub(super) fn new(controller: &'c ReleaseController, journal: Journal<ReleaseState>) -> Self {
        let seed = Seed::new(0).child(journal.fold().rollout().as_str());
        Self {
            backoff: Backoff::new(&controller.options, seed.child("retry")),
            polled_at: controller.clock.now(),
            controller,
            journal,
            going: FuturesUnordered::new(),
            running: BTreeMap::new(),
            used: BTreeSet::new(),
            concluded: BTreeMap::new(),
            seen: BTreeMap::new(),
            watched: BTreeSet::new(),
            floors: BTreeMap::new(),
            broken: None,
            heard: Vec::new(),
            unheard: Vec::new(),
            reported: None,
        }
    }

    pub(super) async fn finish_release(
        mut self,
        cancel: &'c CancellationToken,
    ) -> Result<ReleaseOutcome, ReleaseRunError> {
        loop {
            match self.turn(cancel).await {
                Ok(Some(outcome)) => return Ok(outcome),
                Ok(None) => {}
                Err(ReleaseRunError::Journal(JournalError::Moved { .. })) => {
                    self.unheard.append(&mut self.heard);
                    continue;
                }
                Err(error) => return Err(error),
            }
            if cancel.is_cancelled() {
                return Err(ReleaseRunError::Cancelled { release: self.release() });
            }
            self.wait(cancel).await?;
        }
    }

    async fn turn(
        &mut self,
        cancel: &'c CancellationToken,
    ) -> Result<Option<ReleaseOutcome>, ReleaseRunError> {
        let now = self.controller.clock.now();
        self.hear(now)?;
        self.poll_journal(now).await?;
        self.take_ends(now)?;
        let turn = self.admit(self.state()?, now);
        for event in turn.events {
            self.journal.record(ReleaseRecord::Event(event), now)?;
        }
        if !self.commit(now).await? {
            return Ok(None);
        }
        self.report(now)?;
        if let Some(outcome) = self.state()?.outcome() {
            return Ok(Some(outcome));
        }
        self.tell_floors(turn.floors, now);
        self.begin(now, cancel)?;
        self.tell_groups()?;
        self.watch(now)?;
        if self.running.is_empty()
            && let Some((group, source)) = self.broken.take()
        {
            let (release, source) = (self.release(), Box::new(source));
            return Err(ReleaseRunError::Group { release, group, source });
        }
        Ok(None)
    }

    pub(super) fn state(&self) -> Result<&ReleaseState, JournalError> {
        self.journal.state().ok_or_else(|| JournalError::NotFound { rollout: self.release() })
    }

    /// How the rollout of a group stands that runs here.
    pub(super) fn beat(&self, group: &FleetId) -> Option<Beat> {
        self.running.get(group).and_then(|_| self.controller.groups.get(group)?.pulse.last())
    }

    fn release(&self) -> RolloutId {
        self.journal.fold().rollout().clone()
    }

    fn hear(&mut self, now: Timestamp) -> Result<(), ReleaseRunError> {
        let mut controls = std::mem::take(&mut self.unheard);
        controls.extend(self.controller.control.take());
        for control in controls {
            self.journal.record(ReleaseRecord::Control(control.clone()), now)?;
            self.heard.push(control);
        }
        Ok(())
    }

    /// Looks for what other processes wrote, when nothing made this one write for a while.
    async fn poll_journal(&mut self, now: Timestamp) -> Result<(), ReleaseRunError> {
        if now < self.polled_at + self.controller.options.poll {
            return Ok(());
        }
        self.polled_at = now;
        // A commit that is still to be written will find out by itself.
        if self.journal.is_dirty() { Ok(()) } else { self.check_owner().await }
    }

    async fn check_owner(&mut self) -> Result<(), ReleaseRunError> {
        match self.journal.catch_up().await {
            Err(JournalError::Store { source, .. }) if source.retry != Retry::Never => {
                self.trouble("read the journal", &source);
                Ok(())
            }
            other => Ok(other?),
        }
    }

    /// Records the groups whose rollouts are over and that have nothing more to do.
    fn take_ends(&mut self, now: Timestamp) -> Result<(), ReleaseRunError> {
        let state = self.state()?;
        let ended =
            state.under_way().filter(|group| !self.running.contains_key(*group)).filter_map(|group| {
                match state.leg(group, |rollout| self.concluded.get(rollout))? {
                    Leg::End(outcome) => Some(ReleaseEvent::End { group: group.clone(), outcome }),
                    Leg::Run(_) | Leg::Return { .. } => None,
                }
            });
        for event in ended.collect::<Vec<_>>() {
            self.journal.record(ReleaseRecord::Event(event), now)?;
        }
        Ok(())
    }

    /// Begins, or goes on with, the rollouts that are to run by what is committed.
    fn begin(&mut self, now: Timestamp, cancel: &'c CancellationToken) -> Result<(), ReleaseRunError> {
        let state = self.state()?;
        let is_broken = |group: &FleetId| self.broken.as_ref().is_some_and(|(broken, _)| broken == group);
        let idle = state.under_way().filter(|group| {
            let may = self.backoff.may(&Call::Leg((*group).clone()), now);
            !self.running.contains_key(*group) && may && !is_broken(group)
        });
        let tasks: Vec<(FleetId, Task, bool)> = idle
            .filter_map(|group| {
                let leg = state.leg(group, |rollout| self.concluded.get(rollout))?;
                let is_guarded = state.release().service_of(group).is_some();
                Some((group.clone(), Task::of(leg)?, is_guarded))
            })
            .collect();
        for (group, task, is_guarded) in tasks {
            let controller = &self.controller.groups[&group];
            // What was said to the rollout before does not concern this one.
            if !self.used.insert(group.clone()) {
                let _ = controller.control.take();
            }
            controller.pulse.stop();
            if is_guarded {
                // Nothing leaves service before the guard has spoken.
                self.tell_floors(vec![(group.clone(), task.desired())], now);
            }
            if self.state()?.was_resumed() {
                controller.control.resume();
            }
            let rollout = task.rollout().clone();
            let told = Told { rollout, paused: false, aborted: false, turned_back: false };
            self.running.insert(group.clone(), told);
            self.going.push(leg::run(controller, group, task, is_guarded, cancel));
        }
        Ok(())
    }

    /// Tells the groups that run what was said to the release. Before a rollout takes its first turn, so that it does
    /// nothing else first.
    fn tell_groups(&mut self) -> Result<(), ReleaseRunError> {
        let Some(state) = self.journal.state() else { return Ok(()) };
        for (group, told) in &mut self.running {
            let control = &self.controller.groups[group].control;
            if state.is_paused() != told.paused {
                told.paused = state.is_paused();
                if told.paused { control.pause() } else { control.resume() }
            }
            if state.is_aborted() && !told.aborted {
                told.aborted = true;
                control.abort();
            }
            let goes_back = state.release().phase(group) == Ok(GroupPhase::Returning);
            let is_forward = state.rollout(group).is_some_and(|last| *last.rollout() == told.rollout);
            if goes_back && is_forward && !told.turned_back {
                told.turned_back = true;
                control.send(Control::Rollback);
            }
        }
        Ok(())
    }

    /// Keeps an eye on the fleets of guarded services that no rollout of this release looks at.
    fn watch(&mut self, now: Timestamp) -> Result<(), ReleaseRunError> {
        let state = self.state()?;
        let idle = state.release().guarded().filter(|group| {
            let may = self.backoff.may(&Call::Look((*group).clone()), now);
            !self.watched.contains(*group) && !self.running.contains_key(*group) && may
        });
        for group in idle.cloned().collect::<Vec<_>>() {
            let controller = &self.controller.groups[&group];
            let options = &self.controller.options;
            let events = controller.fleet.capabilities().events;
            let until = now + if events { options.observe_at_least } else { options.poll };
            let since = self.seen.get(&group).map(|look| look.revision);
            self.watched.insert(group.clone());
            self.going.push(leg::watch(controller, &*self.controller.clock, group, since, until));
        }
        Ok(())
    }

    async fn finish(&mut self, done: Done) -> Result<(), ReleaseRunError> {
        let now = self.controller.clock.now();
        match done {
            Done::Looked(group, result) => {
                self.watched.remove(&group);
                match result {
                    Ok(look) => {
                        self.backoff.succeeded(&Call::Look(group.clone()));
                        if !self.running.contains_key(&group) {
                            self.seen.insert(group, look);
                        }
                    }
                    Err(error) => {
                        // What it has nobody knows.
                        self.seen.remove(&group);
                        self.backoff.failed(Call::Look(group), error.retry(), now);
                        self.trouble("observe a fleet", &error);
                    }
                }
            }
            Done::Ended { group, rollout, result, look } => {
                self.running.remove(&group);
                self.floors.remove(&group);
                // What was seen before it ran is worth nothing any more.
                match look {
                    Some(look) => self.seen.insert(group.clone(), look),
                    None => self.seen.remove(&group),
                };
                match result {
                    Ok(conclusion) => {
                        self.backoff.succeeded(&Call::Leg(group));
                        self.concluded.insert(rollout, conclusion);
                    }
                    Err(error) => self.failed(group, rollout, error, now).await?,
                }
            }
        }
        Ok(())
    }

    async fn failed(
        &mut self,
        group: FleetId,
        rollout: RolloutId,
        error: LegError,
        now: Timestamp,
    ) -> Result<(), ReleaseRunError> {
        self.trouble("run the rollout of a group", &error);
        match error.remedy() {
            Remedy::Again(retry) => self.backoff.failed(Call::Leg(group), retry, now),
            // As if it had been aborted before it did anything.
            Remedy::Nothing => {
                self.concluded.insert(rollout, Conclusion::Aborted);
            }
            Remedy::Person => {
                // Whoever took over the release takes over its groups too.
                self.check_owner().await?;
                if let LegError::Controller(source) = error {
                    self.broken.get_or_insert((group, source));
                }
            }
        }
        Ok(())
    }

    /// Tells observers where the release is, only when that has changed.
    fn report(&mut self, now: Timestamp) -> Result<(), ReleaseRunError> {
        let release = self.state()?.release();
        let groups = u32::try_from(release.graph().groups().len()).unwrap_or(u32::MAX);
        let pace = REPORT_AT_MOST + REPORT_PER_GROUP * groups;
        let is_over = release.outcome().is_some();
        if !is_over && self.reported.as_ref().is_some_and(|(at, _)| now < *at + pace) {
            return Ok(());
        }
        let report = release.report();
        if self.reported.as_ref().is_none_or(|(_, known)| *known != report) {
            self.emit(now, EventKind::ReleaseWaiting(Box::new(report.clone())));
        }
        self.reported = Some((now, report));
        Ok(())
    }

    /// Whether everything recorded is committed.
    async fn commit(&mut self, now: Timestamp) -> Result<bool, ReleaseRunError> {
        if !self.backoff.may(&Call::Commit, now) {
            return Ok(false);
        }
        match self.journal.commit(&self.controller.clock.read()).await {
            Ok(committed) => {
                self.backoff.succeeded(&Call::Commit);
                self.heard.clear();
                if committed.is_some() {
                    self.polled_at = now;
                }
                self.controller.tell(&self.release(), now, committed);
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

    async fn wait(&mut self, cancel: &CancellationToken) -> Result<(), ReleaseRunError> {
        let now = self.controller.clock.now();
        let poll = self.polled_at + self.controller.options.poll;
        let wake = self.backoff.next(now).map_or(poll, |at| at.min(poll));
        let mut finished = Vec::new();
        let Self { controller, going, .. } = self;
        futures_util::select_biased! {
            () = cancel.cancelled().fuse() => {}
            done = going.select_next_some() => finished.push(done),
            () = controller.control.said().fuse() => {}
            () = controller.wake.notified().fuse() => {}
            () = controller.clock.sleep_until(wake).fuse() => {}
        }
        // What ended at the same moment is taken in together.
        while let Some(Some(done)) = self.going.next().now_or_never() {
            finished.push(done);
        }
        for done in finished {
            match self.finish(done).await {
                // What ended is known here, so it is recorded again in the next turn.
                Err(ReleaseRunError::Journal(JournalError::Moved { .. })) => {
                    self.unheard.append(&mut self.heard);
                }
                other => other?,
            }
        }
        Ok(())
    }

    fn emit(&self, at: Timestamp, kind: EventKind) {
        self.controller.sink.emit(&Event::new(at, self.release(), kind));
    }

    fn trouble(&self, during: &'static str, error: &dyn std::error::Error) {
        let kind = EventKind::Trouble { during, error: with_causes(error) };
        self.emit(self.controller.clock.now(), kind);
    }
}
