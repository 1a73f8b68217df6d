use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::fleet::{
    DrainRequest, Fleet, FleetError, LaunchRequest, Launched, RouteChange, Router, TerminateRequest,
    Terminated,
};
use crate::gate::{Gate, GateContext, GateError, Judgement};
use crate::id::{GateName, InstanceId};
use crate::journal::{Created, JournalStore, Key, StoreError};
use crate::planner::OpId;

/// What came of something that was begun.
#[derive(Debug)]
pub(super) enum Finished {
    Launched(Vec<(OpId, Result<Launched, FleetError>)>),
    Terminated(Vec<(OpId, Result<Terminated, FleetError>)>),
    /// Instances were told that they will leave; whether they heard it changes nothing.
    Told,
    /// A checkpoint was stored, or was not.
    Kept(Result<Created, StoreError>),
    Judged(usize, GateName, Result<Judgement, GateError>),
}

pub(super) type Action = BoxFuture<'static, Finished>;

pub(super) fn launch(fleet: Arc<dyn Fleet>, batch: Vec<(OpId, LaunchRequest)>) -> Action {
    Box::pin(async move {
        let (ops, requests): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
        Finished::Launched(ops.into_iter().zip(fleet.launch(&requests).await).collect())
    })
}

/// Lets the router forget the instances, and then stops them: never the other way round.
pub(super) fn terminate(
    fleet: Arc<dyn Fleet>,
    router: Option<Arc<dyn Router>>,
    batch: Vec<(OpId, InstanceId)>,
) -> Action {
    Box::pin(async move {
        if let Some(router) = router {
            let detach = batch.iter().map(|(_, instance)| RouteChange::Detach { instance: instance.clone() });
            if let Err(error) = router.apply(&detach.collect::<Vec<_>>()).await {
                let error = Arc::new(error);
                let failed = batch.into_iter().map(|(op, _)| {
                    let source: crate::error::Source = Box::new(Arc::clone(&error));
                    let (fleet, action) = (fleet.id().clone(), "detach from the router");
                    (op, Err(FleetError::Platform { fleet, action, retry: error.retry(), source }))
                });
                return Finished::Terminated(failed.collect());
            }
        }
        let (ops, requests): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|(op, instance)| (op, TerminateRequest::new(instance))).unzip();
        Finished::Terminated(ops.into_iter().zip(fleet.terminate(&requests).await).collect())
    })
}

pub(super) fn tell(fleet: Arc<dyn Fleet>, instances: Vec<InstanceId>) -> Action {
    Box::pin(async move {
        let requests: Vec<_> = instances.into_iter().map(DrainRequest::new).collect();
        let _ = fleet.drain(&requests).await;
        Finished::Told
    })
}

pub(super) fn keep(store: Arc<dyn JournalStore>, key: Key, checkpoint: Vec<u8>) -> Action {
    Box::pin(async move { Finished::Kept(store.create_if_absent(&key, &checkpoint).await) })
}

pub(super) fn judge(gate: Arc<dyn Gate>, stage: usize, context: GateContext) -> Action {
    Box::pin(async move {
        let judgement = gate.evaluate(&context).await;
        Finished::Judged(stage, context.gate, judgement)
    })
}
