use std::fmt::Debug;

use async_trait::async_trait;

use super::{
    Capabilities, DrainRequest, FleetError, LaunchRequest, Launched, Snapshot, TerminateRequest, Terminated,
};
use crate::id::FleetId;

/// A platform's running instances of one service.
///
/// Requests are batched. A call returns one result for each request, in order; one failed request does not stop the
/// others. Every call may be repeated at any time, by any process, also while an earlier one is still running.
/// Dropping the future of a call leaves each of its requests done or not done, never broken.
///
/// Wrappers must forward every method: `changed` and `drain` have defaults that are right only for a platform that
/// really cannot do it.
#[async_trait]
pub trait Fleet: Debug + Send + Sync {
    /// The name of the fleet.
    fn id(&self) -> &FleetId;

    /// What the fleet can do.
    fn capabilities(&self) -> Capabilities;

    /// Lists the instances of the fleet, with their health.
    ///
    /// It may be late: a launched instance may be missing for a while, and a terminated one still be there. It never
    /// reports an instance of another fleet.
    ///
    /// # Errors
    /// [`FleetError`]; a partial list is an error, not an answer.
    async fn observe(&self) -> Result<Snapshot, FleetError>;

    /// Returns when the fleet may look different from the snapshot with this revision, at once if it already does.
    /// May return too often. A fleet without the capability `events` never returns.
    async fn changed(&self, since: u64) {
        let _ = since;
        std::future::pending().await
    }

    /// Checks, without changing anything, that an image can be launched: it exists on the platform and says how its
    /// readiness is found out.
    ///
    /// # Errors
    /// [`FleetError::Invalid`] with the way out.
    async fn check(&self, image: &crate::digest::Digest) -> Result<(), FleetError>;

    /// Launches instances.
    ///
    /// The token makes it idempotent: a second request with the same token, from any process, returns the same
    /// instance, whatever its phase; it is an error if that instance differs from the request.
    async fn launch(&self, requests: &[LaunchRequest]) -> Vec<Result<Launched, FleetError>>;

    /// Tells instances that they will be stopped, where the platform has a way to (capability `drain`).
    async fn drain(&self, requests: &[DrainRequest]) -> Vec<Result<(), FleetError>> {
        requests.iter().map(|_| Ok(())).collect()
    }

    /// Stops and removes instances and proves that they are gone. One that is already gone is a success.
    async fn terminate(&self, requests: &[TerminateRequest]) -> Vec<Result<Terminated, FleetError>>;
}
