//! What goes on for a group between two turns of the release.

use std::collections::BTreeSet;

use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use crate::controller::{Clock, Controller, ControllerError};
use crate::error::Retry;
use crate::fleet::{FleetError, RouteState, RouterError, Weight};
use crate::id::{FleetId, InstanceId, RolloutId};
use crate::journal::{JournalError, Leg};
use crate::plan::OnFailure;
use crate::planner::{Conclusion, PlanError, PlanRequest};
use crate::release::PinnedRollout;
use crate::strategy::Rolling;
use crate::time::Timestamp;

/// What came of it.
#[derive(Debug)]
pub(super) enum Done {
    Ended {
        group: FleetId,
        rollout: RolloutId,
        result: Result<Conclusion, LegError>,
        /// What the fleet had right after, where somebody must know.
        look: Option<Look>,
    },
    Looked(FleetId, Result<Look, FleetError>),
}

pub(super) type Going<'c> = BoxFuture<'c, Done>;

/// What a fleet has in service while no rollout of it runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    pub(super) revision: u64,
    pub(super) serving: u32,
}

/// Why a rollout of a group did not end.
#[derive(Debug, thiserror::Error)]
pub(super) enum LegError {
    #[error(transparent)]
    Controller(#[from] ControllerError),
    #[error("the way back cannot be planned")]
    Plan(#[from] PlanError),
    #[error("the fleet cannot be observed")]
    Fleet(#[from] FleetError),
}

/// What must be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remedy {
    /// Try again.
    Again(Retry),
    /// It ended without having begun.
    Nothing,
    /// Somebody must look.
    Person,
}

impl LegError {
    pub(super) const fn remedy(&self) -> Remedy {
        match self {
            Self::Plan(_) => Remedy::Nothing,
            Self::Controller(ControllerError::Refused { source, .. }) => match source.retry() {
                Retry::Never => Remedy::Nothing,
                retry => Remedy::Again(retry),
            },
            Self::Controller(ControllerError::Journal(JournalError::Store { source, .. })) => {
                match source.retry {
                    Retry::Never => Remedy::Person,
                    retry => Remedy::Again(retry),
                }
            }
            Self::Controller(ControllerError::Stuck { .. } | ControllerError::Cancelled { .. }) => {
                Remedy::Again(Retry::Backoff)
            }
            Self::Controller(ControllerError::Journal(JournalError::Moved { .. })) => {
                Remedy::Again(Retry::Backoff)
            }
            Self::Controller(_) => Remedy::Person,
            Self::Fleet(error) => match error.retry() {
                Retry::Never => Remedy::Again(Retry::Backoff),
                retry => Remedy::Again(retry),
            },
        }
    }
}

/// One rollout to be run, as a [`Leg`] says, for as long as it takes.
#[derive(Debug)]
pub(super) enum Task {
    Run(PinnedRollout),
    Return { from: PinnedRollout, rollout: RolloutId, image: crate::Digest },
}

impl Task {
    /// `None` for a group that has nothing more to do.
    pub(super) fn of(leg: Leg<'_>) -> Option<Self> {
        match leg {
            Leg::Run(pinned) => Some(Self::Run(pinned.clone())),
            Leg::Return { from, rollout, image } => Some(Self::Return { from: from.clone(), rollout, image }),
            Leg::End(_) => None,
        }
    }

    pub(super) const fn rollout(&self) -> &RolloutId {
        match self {
            Self::Run(pinned) => pinned.rollout(),
            Self::Return { rollout, .. } => rollout,
        }
    }

    pub(super) fn desired(&self) -> u32 {
        match self {
            Self::Run(pinned) | Self::Return { from: pinned, .. } => pinned.spec.budget.desired,
        }
    }
}

pub(super) fn run<'c>(
    controller: &'c Controller,
    group: FleetId,
    task: Task,
    is_guarded: bool,
    cancel: &'c CancellationToken,
) -> Going<'c> {
    Box::pin(async move {
        let rollout = task.rollout().clone();
        let result = match &task {
            Task::Run(pinned) => controller.run_pinned(pinned, cancel).await.map_err(LegError::from),
            Task::Return { from, rollout, image } => go_back(controller, from, rollout, *image, cancel).await,
        };
        let look = if is_guarded && result.is_ok() { look(controller).await.ok() } else { None };
        Done::Ended { group, rollout, result, look }
    })
}

/// Brings back the image that ran before, or goes on with that.
async fn go_back(
    controller: &Controller,
    from: &PinnedRollout,
    rollout: &RolloutId,
    image: crate::Digest,
    cancel: &CancellationToken,
) -> Result<Conclusion, LegError> {
    if controller.load(rollout).await?.state().is_some() {
        return Ok(controller.resume(rollout, cancel).await?);
    }
    let journal = controller.load(from.rollout()).await?;
    let spec = &from.spec;
    // Somebody may have changed these while it ran.
    let (desired, mut limits) = match journal.state() {
        Some(state) => (state.budget().desired, state.limits().clone()),
        None => (spec.budget.desired, spec.limits.clone()),
    };
    if let Some(back) = limits.rollback.take() {
        (limits.max_surge, limits.max_unavailable) = (back.max_surge, back.max_unavailable);
    }
    let request = PlanRequest::new(rollout.clone(), image, desired)
        .limits(limits)
        .zones(spec.zones.clone())
        .seed(spec.seed)
        // It ran here before: no reason to go in steps.
        .known_good()
        .on_failure(OnFailure::Hold)
        .on_protected(spec.on_protected)
        .on_standby(spec.on_standby)
        .on_resize(spec.on_resize)
        .picks_victim(spec.picks_victim);
    let plan = request.plan(&controller.fleet.observe().await?, &Rolling::new())?;
    Ok(controller.run_pinned(&(&plan).into(), cancel).await?)
}

/// Looks at a fleet now, or when it has changed since an earlier look, at the latest at the given time.
pub(super) fn watch<'c>(
    controller: &'c Controller,
    clock: &'c dyn Clock,
    group: FleetId,
    since: Option<u64>,
    until: Timestamp,
) -> Going<'c> {
    Box::pin(async move {
        if let Some(since) = since {
            let changed = async {
                if controller.fleet.capabilities().events {
                    controller.fleet.changed(since).await;
                } else {
                    std::future::pending::<()>().await;
                }
            };
            futures_util::future::select(Box::pin(changed), clock.sleep_until(until)).await;
        }
        Done::Looked(group, look(controller).await)
    })
}

/// What is ready and gets traffic: an instance that the router does not know carries nothing that others could count on.
async fn look(controller: &Controller) -> Result<Look, FleetError> {
    let snapshot = controller.fleet.observe().await?;
    let routed: Option<BTreeSet<InstanceId>> = match &controller.router {
        Some(router) => {
            let failed = |error: RouterError| FleetError::Platform {
                fleet: controller.fleet.id().clone(),
                action: "look at the router",
                retry: error.retry(),
                source: Box::new(error),
            };
            let serves = |state| matches!(state, RouteState::Serving(weight) if weight > Weight::ZERO);
            let routes = router.observe().await.map_err(failed)?;
            Some(routes.into_iter().filter(|route| serves(route.state)).map(|route| route.instance).collect())
        }
        None => None,
    };
    let gets_traffic = |id| routed.as_ref().is_none_or(|routed| routed.contains(id));
    let serving = snapshot
        .instances
        .iter()
        .filter(|instance| instance.is_ready() && gets_traffic(&instance.id))
        .count();
    Ok(Look { revision: snapshot.revision, serving: u32::try_from(serving).unwrap_or(u32::MAX) })
}
