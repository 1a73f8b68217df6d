use std::fmt::Debug;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use immutable_core::controller::Clock;
use immutable_core::fleet::{Fleet, Instance, LaunchRequest, Snapshot, TerminateRequest};
use immutable_core::{Attempt, Digest, InstanceId, RolloutId, Slot, Token, Zone};

use super::FleetHarness;
use crate::conformance::outcome::ensure;
use crate::conformance::{Violation, within};

/// What the cases have in common: requests of the harness's own rollout, and waits.
#[derive(Debug)]
pub(super) struct Probe {
    pub(super) fleet: Arc<dyn Fleet>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) rollout: RolloutId,
    pub(super) good: Digest,
    patience: Duration,
    interval: Duration,
}

impl Probe {
    pub(super) fn new<H: FleetHarness + ?Sized>(harness: &H) -> Self {
        Self {
            fleet: harness.fleet(),
            clock: harness.clock(),
            rollout: harness.rollout(),
            good: harness.good_image(),
            patience: harness.patience(),
            interval: harness.poll_interval(),
        }
    }

    /// The same, through another fleet.
    pub(super) fn through(mut self, fleet: Arc<dyn Fleet>) -> Self {
        self.fleet = fleet;
        self
    }

    pub(super) fn zone(&self, n: u32) -> Result<Zone, Violation> {
        let zones = self.fleet.capabilities().zones;
        let zone = usize::try_from(n).ok().and_then(|n| zones.get(n.checked_rem(zones.len())?));
        zone.cloned().ok_or_else(|| Violation::new("the capabilities name no zone"))
    }

    /// The first attempt in a slot, in one zone after the other.
    pub(super) fn request(&self, slot: u32, image: Digest) -> Result<LaunchRequest, Violation> {
        let zone = self.zone(slot)?;
        Ok(LaunchRequest::new(self.rollout.clone(), Slot(slot), Attempt(1), zone, image))
    }

    pub(super) fn good_request(&self, slot: u32) -> Result<LaunchRequest, Violation> {
        self.request(slot, self.good)
    }

    /// How many requests of up to `wanted` fit into one call.
    pub(super) fn batch(&self, wanted: u32) -> u32 {
        wanted.min(u32::try_from(self.fleet.capabilities().max_batch).unwrap_or(u32::MAX))
    }

    /// Launches one instance.
    pub(super) async fn launch(&self, request: &LaunchRequest) -> Result<InstanceId, Violation> {
        let results = self.fleet.launch(std::slice::from_ref(request)).await;
        let [result] = one(results, "launch")?;
        Ok(result?.instance)
    }

    /// Terminates one instance.
    pub(super) async fn terminate(&self, instance: &InstanceId) -> Result<(), Violation> {
        let results = self.fleet.terminate(&[TerminateRequest::new(instance.clone())]).await;
        let [result] = one(results, "terminate")?;
        let gone = result?.instance;
        ensure(gone == *instance, || format!("terminate of {instance} proves that {gone} is gone"))
    }

    /// Launches a good instance and waits until it is ready.
    pub(super) async fn ready(&self, slot: u32) -> Result<Instance, Violation> {
        let id = self.launch(&self.good_request(slot)?).await?;
        self.until_ready(&id).await
    }

    pub(super) async fn until_ready(&self, id: &InstanceId) -> Result<Instance, Violation> {
        let is_ready = |snapshot: &Snapshot| snapshot.get(id).is_some_and(Instance::is_ready);
        let snapshot = self.eventually(&format!("{id} is ready"), is_ready).await?;
        snapshot.get(id).cloned().ok_or_else(|| Violation::new("the snapshot lost an instance it had"))
    }

    /// Looks again and again until a snapshot is as wanted.
    pub(super) async fn eventually(
        &self,
        what: &str,
        wanted: impl Fn(&Snapshot) -> bool + Send + Sync,
    ) -> Result<Snapshot, Violation> {
        let deadline = self.clock.now() + self.patience;
        loop {
            let snapshot = self.fleet.observe().await?;
            if wanted(&snapshot) {
                return Ok(snapshot);
            }
            ensure(self.clock.now() < deadline, || {
                format!("not within {:?}: {what}; the last snapshot: {:?}", self.patience, snapshot.instances)
            })?;
            self.rest().await;
        }
    }

    /// Waits for as long as between two looks.
    pub(super) async fn rest(&self) {
        self.clock.sleep_until(self.clock.now() + self.interval).await;
    }

    /// Demands that a future ends in time.
    pub(super) async fn soon<F>(&self, what: &str, future: F) -> Result<F::Output, Violation>
    where
        F: Future + Send,
        F::Output: Send,
    {
        within(&*self.clock, self.patience, future)
            .await
            .ok_or_else(|| Violation::new(format!("not within {:?}: {what}", self.patience)))
    }

    /// Demands that exactly one instance carries a token, and keeps looking for a moment in case another one comes.
    pub(super) async fn exactly_one(&self, token: &Token, expected: &InstanceId) -> Result<(), Violation> {
        let with_token = |snapshot: &Snapshot| -> Vec<InstanceId> {
            let carries = |i: &&Arc<Instance>| i.origin.as_ref().is_some_and(|origin| origin.token == *token);
            snapshot.instances.iter().filter(carries).map(|i| i.id.clone()).collect()
        };
        self.eventually("an instance with the token is listed", |s| !with_token(s).is_empty()).await?;
        for _ in 0..3 {
            self.rest().await;
            let seen = with_token(&self.fleet.observe().await?);
            ensure(seen == [expected.clone()], || {
                format!("expected only {expected} with token {token}, saw {seen:?}")
            })?;
        }
        Ok(())
    }
}

/// Demands one result for each request.
pub(super) fn one<T: Debug, const N: usize>(results: Vec<T>, call: &str) -> Result<[T; N], Violation> {
    <[T; N]>::try_from(results)
        .map_err(|results| Violation::new(format!("{call}: {} results for {N} requests", results.len())))
}
