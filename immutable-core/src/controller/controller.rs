use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio_util::sync::CancellationToken;

use super::pulse::Pulse;
use super::run::Run;
use super::{Clock, ControlHandle, ControllerError, Options};
use crate::event::{Event, EventKind, EventSink, NoSink};
use crate::fleet::{Fleet, Router};
use crate::gate::{Gate, GateSpec};
use crate::id::{GateName, RolloutId, WriterId};
use crate::journal::{Journal, JournalError, JournalStore, Record};
use crate::plan::{OnFailure, Plan, RolloutSpec};
use crate::planner::{Conclusion, RolloutState};
use crate::release::PinnedRollout;
use crate::time::Timestamp;

/// Runs rollouts: observes, commits, decides, commits, acts.
///
/// It may be killed at any moment and started again on the same journal, and two of them may run at once: the one that
/// claimed the rollout last goes on, the other stops with
/// [`JournalError::Superseded`](crate::journal::JournalError::Superseded).
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
/// use immutable_core::controller::Controller;
/// use immutable_core::journal::MemoryStore;
/// use immutable_core::planner::{Conclusion, PlanRequest};
/// use immutable_core::strategy::Rolling;
/// use immutable_core::fleet::Fleet;
/// use immutable_core::{Digest, FleetId, RolloutId, Timestamp, Zone};
/// use immutable_testkit::clock::VirtualClock;
/// use immutable_testkit::fleet::{ImageBehaviour, MemoryFleet};
/// use tokio_util::sync::CancellationToken;
///
/// let clock = VirtualClock::new(Timestamp::from_unix(Duration::from_secs(1_800_000_000)));
/// let (v1, v2) = (Digest::of(b"v1"), Digest::of(b"v2"));
/// let zones = vec![Zone::new("a").unwrap(), Zone::new("b").unwrap()];
/// let fleet = MemoryFleet::builder(FleetId::new("web").unwrap(), clock.shared())
///     .zones(zones.clone())
///     .image(v2, ImageBehaviour::Healthy)
///     .running(10, v1)
///     .build();
/// let conclusion = clock.run(async {
///     let snapshot = fleet.observe().await.unwrap();
///     let request = PlanRequest::new(RolloutId::new("deploy-42").unwrap(), v2, 10).zones(zones);
///     let plan = request.plan(&snapshot, &Rolling::new()).unwrap();
///     let controller = Controller::new(fleet.clone(), Arc::new(MemoryStore::new()), clock.shared());
///     controller.run(&plan, &CancellationToken::new()).await.unwrap()
/// });
/// assert_eq!(conclusion, Conclusion::Completed);
/// ```
#[derive(Debug)]
pub struct Controller {
    pub(super) fleet: Arc<dyn Fleet>,
    pub(super) router: Option<Arc<dyn Router>>,
    pub(super) store: Arc<dyn JournalStore>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) sink: Arc<dyn EventSink>,
    pub(super) gates: BTreeMap<GateName, Arc<dyn Gate>>,
    pub(super) options: Options,
    pub(super) control: ControlHandle,
    /// Tells a release that runs this rollout how it stands.
    pub(super) pulse: Pulse,
    writer: WriterId,
}

/// Tells the controllers of one process apart.
static CONTROLLERS: AtomicU64 = AtomicU64::new(0);

/// A name that no other controller has, on this machine or since.
pub(super) fn new_writer() -> WriterId {
    let number = CONTROLLERS.fetch_add(1, Ordering::Relaxed);
    let started = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos();
    let writer = WriterId::new(format!("{}-{started}-{number}", std::process::id()));
    #[expect(clippy::expect_used, reason = "digits and hyphens, far fewer than the 128 allowed")]
    writer.expect("a writer identifier")
}

impl Controller {
    /// A controller without router, checks and observers.
    #[must_use]
    pub fn new(fleet: Arc<dyn Fleet>, store: Arc<dyn JournalStore>, clock: Arc<dyn Clock>) -> Self {
        Self {
            fleet,
            router: None,
            store,
            clock,
            sink: Arc::new(NoSink),
            gates: BTreeMap::new(),
            options: Options::default(),
            control: ControlHandle::default(),
            pulse: Pulse::default(),
            writer: new_writer(),
        }
    }

    /// With a router; without one, ready instances count as serving.
    #[must_use]
    pub fn with_router(mut self, router: Arc<dyn Router>) -> Self {
        self.router = Some(router);
        self
    }

    /// With an observer in place of the present one.
    #[must_use]
    pub fn with_sink(mut self, sink: Arc<dyn EventSink>) -> Self {
        self.sink = sink;
        self
    }

    /// With a check that stages may name.
    #[must_use]
    pub fn with_gate(mut self, name: GateName, gate: Arc<dyn Gate>) -> Self {
        self.gates.insert(name, gate);
        self
    }

    /// With another pace.
    #[must_use]
    pub const fn with_options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// Under this name in the journal. It must be unlike that of every other controller that ever writes to the same
    /// journal; the default is made from the process number and the time.
    #[must_use]
    pub fn with_writer(mut self, writer: WriterId) -> Self {
        self.writer = writer;
        self
    }

    /// A handle to speak to the rollout while it runs.
    #[must_use]
    pub fn control(&self) -> ControlHandle {
        self.control.clone()
    }

    /// Executes a plan to its end. If its rollout was begun before, by this or another process, goes on with it.
    ///
    /// # Errors
    /// [`ControllerError`]; the rollout can be resumed once the cause is removed. Nothing was changed if it was never
    /// begun.
    pub async fn run(&self, plan: &Plan, cancel: &CancellationToken) -> Result<Conclusion, ControllerError> {
        self.run_pinned(&plan.into(), cancel).await
    }

    /// As [`run`](Self::run), by all of a plan that the journal keeps.
    pub(super) async fn run_pinned(
        &self,
        pinned: &PinnedRollout,
        cancel: &CancellationToken,
    ) -> Result<Conclusion, ControllerError> {
        let rollout = pinned.rollout().clone();
        loop {
            let mut journal = self.load(&rollout).await?;
            let Some(state) = journal.state() else {
                self.accept(&pinned.spec).await?;
                let reading = self.clock.read();
                let now = journal.fold().time(&reading);
                let PinnedRollout { spec, initial, plan, .. } = pinned.clone();
                journal.record(Record::Open { spec, initial, plan }, now)?;
                match journal.commit(&reading).await {
                    Ok(committed) => {
                        if let Some((seq, records)) = committed {
                            self.tell(&rollout, now, seq, records);
                        }
                        continue;
                    }
                    // Somebody else opened it at the same moment: go on with theirs.
                    Err(JournalError::Moved { .. } | JournalError::Superseded { .. }) => continue,
                    Err(error) => return Err(error.into()),
                }
            };
            if state.spec().fleet == pinned.spec.fleet && state.spec().target != pinned.spec.target {
                let theirs = state.spec().target;
                return Err(ControllerError::OtherTarget { rollout, theirs, ours: pinned.spec.target });
            }
            return self.drive(journal, cancel).await;
        }
    }

    /// Goes on with a rollout that was begun before.
    ///
    /// # Errors
    /// [`ControllerError`], [`JournalError::NotFound`] among them.
    pub async fn resume(
        &self,
        rollout: &RolloutId,
        cancel: &CancellationToken,
    ) -> Result<Conclusion, ControllerError> {
        let journal = self.load(rollout).await?;
        if journal.state().is_none() {
            return Err(JournalError::NotFound { rollout: rollout.clone() }.into());
        }
        self.drive(journal, cancel).await
    }

    pub(super) async fn load(&self, rollout: &RolloutId) -> Result<Journal, ControllerError> {
        Ok(Journal::load(Arc::clone(&self.store), rollout.clone(), self.writer.clone()).await?)
    }

    /// Whether the fleet can take this plan, before anything is begun.
    pub(super) async fn accept(&self, spec: &RolloutSpec) -> Result<(), ControllerError> {
        let rollout = &spec.rollout;
        if spec.fleet != *self.fleet.id() {
            return Err(ControllerError::OtherFleet {
                rollout: rollout.clone(),
                theirs: spec.fleet.clone(),
                ours: self.fleet.id().clone(),
            });
        }
        // The way back is checked before the start, not when it is needed.
        let back = spec.previous.filter(|_| spec.on_failure == OnFailure::Rollback);
        for image in std::iter::once(spec.target).chain(back) {
            let refused = |source| ControllerError::Refused { rollout: rollout.clone(), source };
            self.fleet.check(&image).await.map_err(refused)?;
        }
        self.fleet
            .observe()
            .await
            .map_err(|source| ControllerError::Refused { rollout: rollout.clone(), source })?;
        self.check_needs(spec)
    }

    /// Whether the controller has what the stages ask for.
    fn check_needs(&self, spec: &RolloutSpec) -> Result<(), ControllerError> {
        let rollout = &spec.rollout;
        if self.router.is_none() && spec.stages.iter().any(|stage| stage.share.is_some()) {
            return Err(ControllerError::MissingRouter { rollout: rollout.clone() });
        }
        for gate in spec.stages.iter().flat_map(|stage| &stage.gates) {
            if let GateSpec::Check(name) = gate
                && !self.gates.contains_key(name)
            {
                return Err(ControllerError::MissingGate { rollout: rollout.clone(), gate: name.clone() });
            }
        }
        Ok(())
    }

    async fn drive(
        &self,
        mut journal: Journal,
        cancel: &CancellationToken,
    ) -> Result<Conclusion, ControllerError> {
        let rollout = journal.fold().rollout().clone();
        loop {
            let Some(state) = journal.state() else {
                return Err(JournalError::NotFound { rollout }.into());
            };
            self.recognise(state)?;
            if let Some(conclusion) = state.conclusion() {
                return Ok(conclusion.clone());
            }
            let reading = self.clock.read();
            let now = journal.fold().time(&reading);
            journal.claim(now)?;
            seeded!(IntentsCancelled => cancel_launches(&mut journal, now)?);
            match journal.commit(&reading).await {
                Ok(committed) => {
                    if let Some((seq, records)) = committed {
                        self.tell(&rollout, now, seq, records);
                    }
                    break;
                }
                // A claim is not beaten by what was written before it: read on and claim again.
                Err(JournalError::Moved { .. } | JournalError::Superseded { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Run::new(self, journal).finish_rollout(cancel).await
    }

    /// Tells observers what was committed.
    pub(super) fn tell(&self, rollout: &RolloutId, at: Timestamp, seq: u64, records: Vec<Record>) {
        for record in records {
            let kind = EventKind::Committed { seq, record: Box::new(record) };
            self.sink.emit(&Event::new(at, rollout.clone(), kind));
        }
    }

    fn recognise(&self, state: &RolloutState) -> Result<(), ControllerError> {
        let spec = state.spec();
        if spec.fleet != *self.fleet.id() {
            return Err(ControllerError::OtherFleet {
                rollout: spec.rollout.clone(),
                theirs: spec.fleet.clone(),
                ours: self.fleet.id().clone(),
            });
        }
        self.check_needs(spec)
    }
}

/// Gives up the launches of whoever had the rollout before.
#[cfg(seeded_bugs)]
fn cancel_launches(journal: &mut Journal, now: Timestamp) -> Result<(), ControllerError> {
    use crate::journal::Outcome;
    use crate::planner::OpenOp;
    let open = journal.state().into_iter().flat_map(RolloutState::open_ops);
    let launches = open.filter(|(_, open)| matches!(open, OpenOp::Launch { .. }));
    for op in launches.map(|(op, _)| op).collect::<Vec<_>>() {
        let outcome = Outcome::Failed { reason: "cancelled".to_owned() };
        journal.record(Record::Outcome { op, outcome }, now)?;
    }
    Ok(())
}
