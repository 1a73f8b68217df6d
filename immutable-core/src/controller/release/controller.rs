use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::ReleaseRunError;
use super::run::Run;
use crate::controller::controller::new_writer;
use crate::controller::pulse::Pulse;
use crate::controller::{Clock, ControlHandle, Controller, Options};
use crate::event::{Event, EventKind, EventSink, NoSink};
use crate::id::{FleetId, RolloutId, WriterId};
use crate::journal::{Journal, JournalError, JournalStore, ReleaseControl, ReleaseRecord, ReleaseState};
use crate::release::{PinnedRollout, ReleaseOutcome, ReleasePlan};
use crate::time::Timestamp;

/// Runs releases: the rollouts of many groups in their order, each by a [`Controller`] of its own.
///
/// A release has a journal too, beside those of its groups and under the same protocol: which groups began, go back and
/// ended is committed there before it is done, and what people said. So it may be killed at any moment and started
/// again, and of two controllers of one release the one that claimed it last goes on.
///
/// While groups of guarded services are under way, it gives each the floor that the guard leaves to it
/// ([`Release::admit`](crate::release::Release::admit)). A rollout begins with a floor at which nothing may leave
/// service; floors fall only when every floor that must rise has been committed by the group that keeps it, so the
/// service has its share also while they change.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
/// use immutable_core::controller::{Controller, ReleaseController};
/// use immutable_core::fleet::Fleet;
/// use immutable_core::journal::MemoryStore;
/// use immutable_core::planner::PlanRequest;
/// use immutable_core::release::{ReleaseOutcome, ReleasePlan, ReleaseSpec};
/// use immutable_core::strategy::Rolling;
/// use immutable_core::{BarrierName, Digest, FleetId, RolloutId, Timestamp, Zone};
/// use immutable_testkit::clock::VirtualClock;
/// use immutable_testkit::fleet::{ImageBehaviour, MemoryFleet};
/// use tokio_util::sync::CancellationToken;
///
/// let clock = VirtualClock::new(Timestamp::from_unix(Duration::from_secs(1_800_000_000)));
/// let (v1, v2) = (Digest::of(b"v1"), Digest::of(b"v2"));
/// let zones = vec![Zone::new("a").unwrap()];
/// let store = Arc::new(MemoryStore::new());
/// let mut controller = ReleaseController::new(store.clone(), clock.shared());
/// let mut plans = Vec::new();
/// for name in ["db", "web"] {
///     let fleet = MemoryFleet::builder(FleetId::new(name).unwrap(), clock.shared())
///         .zones(zones.clone())
///         .image(v2, ImageBehaviour::Healthy)
///         .running(3, v1)
///         .build();
///     let request = PlanRequest::new(RolloutId::new(format!("r7-{name}")).unwrap(), v2, 3).zones(zones.clone());
///     plans.push(request.plan(&clock.run(fleet.observe()).unwrap(), &Rolling::new()).unwrap());
///     controller = controller.with_group(Controller::new(fleet, store.clone(), clock.shared()));
/// }
/// let tier = |name: &str, fleet: &str| (BarrierName::new(name).unwrap(), vec![FleetId::new(fleet).unwrap()]);
/// let spec = ReleaseSpec::new().tiers([tier("data", "db"), tier("front", "web")]);
/// let plan = ReleasePlan::new(RolloutId::new("r7").unwrap(), spec, plans).unwrap();
/// let outcome = clock.run(controller.run(&plan, &CancellationToken::new())).unwrap();
/// assert_eq!(outcome, ReleaseOutcome::Done);
/// ```
#[derive(Debug)]
pub struct ReleaseController {
    pub(super) groups: BTreeMap<FleetId, Controller>,
    pub(super) store: Arc<dyn JournalStore>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) sink: Arc<dyn EventSink>,
    pub(super) options: Options,
    pub(super) control: ControlHandle<ReleaseControl>,
    /// A group has news.
    pub(super) wake: Arc<Notify>,
    writer: WriterId,
}

impl ReleaseController {
    /// A controller without groups and observers.
    #[must_use]
    pub fn new(store: Arc<dyn JournalStore>, clock: Arc<dyn Clock>) -> Self {
        Self {
            groups: BTreeMap::new(),
            store,
            clock,
            sink: Arc::new(NoSink),
            options: Options::default(),
            control: ControlHandle::default(),
            wake: Arc::default(),
            writer: new_writer(),
        }
    }

    /// With the controller of one group, in place of another one of the same fleet. It has its own router, checks,
    /// observers and pace, and may have its own store.
    #[must_use]
    pub fn with_group(mut self, mut controller: Controller) -> Self {
        controller.pulse = Pulse::waking(Arc::clone(&self.wake));
        self.groups.insert(controller.fleet.id().clone(), controller);
        self
    }

    /// With an observer of the release in place of the present one. The groups' controllers have their own.
    #[must_use]
    pub fn with_sink(mut self, sink: Arc<dyn EventSink>) -> Self {
        self.sink = sink;
        self
    }

    /// With another pace for the journal of the release and the fleets of guarded services.
    #[must_use]
    pub const fn with_options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// Under this name in the journal of the release; see [`Controller::with_writer`].
    #[must_use]
    pub fn with_writer(mut self, writer: WriterId) -> Self {
        self.writer = writer;
        self
    }

    /// A handle to speak to the release while it runs.
    #[must_use]
    pub fn control(&self) -> ControlHandle<ReleaseControl> {
        self.control.clone()
    }

    /// Executes a release to its end. If it was begun before, by this or another process, goes on with it: then what was
    /// approved at first holds, and the plans given now only tell that the same release is meant.
    ///
    /// [`ReleaseOutcome::Stopped`] is not final: say what shall happen ([`ReleaseControl::Retry`],
    /// [`ReleaseControl::Rollback`]), and run or resume it again.
    ///
    /// # Errors
    /// [`ReleaseRunError`]; the release can be resumed once the cause is removed. Nothing was changed if it was never
    /// begun.
    pub async fn run(
        &self,
        plan: &ReleasePlan,
        cancel: &CancellationToken,
    ) -> Result<ReleaseOutcome, ReleaseRunError> {
        let release = plan.release();
        loop {
            let mut journal = self.load(release).await?;
            if let Some(state) = journal.state() {
                if !is_same(plan, state) {
                    return Err(ReleaseRunError::OtherRelease { release: release.clone() });
                }
                return self.drive(journal, cancel).await;
            }
            self.accept(plan).await?;
            let reading = self.clock.read();
            let now = reading.at;
            let spec = Box::new(plan.spec().clone());
            let (rollouts, plan) = (plan.pinned(), plan.digest());
            journal.record(ReleaseRecord::Open { release: release.clone(), spec, rollouts, plan }, now)?;
            match journal.commit(&reading).await {
                Ok(committed) => self.tell(release, now, committed),
                // Somebody else opened it at the same moment: go on with theirs.
                Err(JournalError::Moved { .. } | JournalError::Superseded { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Goes on with a release that was begun before. Its journal holds all that was approved.
    ///
    /// # Errors
    /// [`ReleaseRunError`], [`JournalError::NotFound`] among them.
    pub async fn resume(
        &self,
        release: &RolloutId,
        cancel: &CancellationToken,
    ) -> Result<ReleaseOutcome, ReleaseRunError> {
        let journal = self.load(release).await?;
        self.drive(journal, cancel).await
    }

    async fn load(&self, release: &RolloutId) -> Result<Journal<ReleaseState>, ReleaseRunError> {
        Ok(Journal::read(Arc::clone(&self.store), release.clone(), self.writer.clone()).await?)
    }

    /// Whether every group can take its plan, before the first one begins.
    async fn accept(&self, plan: &ReleasePlan) -> Result<(), ReleaseRunError> {
        for group in plan.plans() {
            let fleet = &group.spec.fleet;
            let Some(controller) = self.groups.get(fleet) else {
                return Err(ReleaseRunError::NoController {
                    release: plan.release().clone(),
                    group: fleet.clone(),
                });
            };
            controller.accept(&group.spec).await.map_err(|source| ReleaseRunError::Refused {
                release: plan.release().clone(),
                group: fleet.clone(),
                source: Box::new(source),
            })?;
        }
        Ok(())
    }

    async fn drive(
        &self,
        mut journal: Journal<ReleaseState>,
        cancel: &CancellationToken,
    ) -> Result<ReleaseOutcome, ReleaseRunError> {
        let release = journal.fold().rollout().clone();
        loop {
            let Some(state) = journal.state() else {
                return Err(JournalError::NotFound { rollout: release }.into());
            };
            if let Some(group) =
                state.release().graph().groups().find(|group| !self.groups.contains_key(group))
            {
                return Err(ReleaseRunError::NoController { release, group: group.clone() });
            }
            let reading = self.clock.read();
            let now = reading.at;
            journal.claim(now)?;
            match journal.commit(&reading).await {
                Ok(committed) => {
                    self.tell(&release, now, committed);
                    break;
                }
                // A claim is not beaten by what was written before it: read on and claim again.
                Err(JournalError::Moved { .. } | JournalError::Superseded { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Run::new(self, journal).finish_release(cancel).await
    }

    /// Tells observers what was committed.
    pub(super) fn tell(
        &self,
        release: &RolloutId,
        at: Timestamp,
        committed: Option<(u64, Vec<ReleaseRecord>)>,
    ) {
        let Some((seq, records)) = committed else { return };
        for record in records {
            let kind = EventKind::Release { seq, record: Box::new(record) };
            self.sink.emit(&Event::new(at, release.clone(), kind));
        }
    }
}

/// Whether a plan means this release. The plans themselves may differ: whoever starts again after a crash has planned for a
/// fleet that was changed since.
fn is_same(plan: &ReleasePlan, state: &ReleaseState) -> bool {
    let named = |first: &PinnedRollout| {
        plan.plans().iter().any(|plan| {
            plan.spec.fleet == *first.fleet()
                && plan.spec.rollout == *first.rollout()
                && plan.spec.target == first.spec.target
        })
    };
    *plan.spec() == *state.spec() && state.first_rollouts().all(named)
}
