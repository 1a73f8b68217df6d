use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use immutable_core::controller::Clock;
use immutable_core::error::Retry;
use immutable_core::fleet::{Route, RouteChange, Router, RouterError};
use immutable_core::{InstanceId, Timestamp};

use super::table::{SharedTable, Table};
use super::{Applied, Cut, Misrouted, RouterOperation};
use crate::fleet::{MemoryFleet, Witness};

/// A router in memory with simulated requests.
///
/// Every route that gets traffic has some requests open ("sessions"); when it gets no new ones, those it has end after
/// the length of a session. Together with a [`MemoryFleet`] it records traffic that was given to an instance that was
/// not ready ([`misrouted`](Self::misrouted)), and requests that failed because their instance went away under them
/// ([`cuts`](Self::cuts)).
///
/// ```
/// use std::time::Duration;
///
/// use immutable_core::controller::Clock;
/// use immutable_core::fleet::{Fleet, RouteChange, Router, TerminateRequest, Weight};
/// use immutable_core::{Digest, FleetId, Timestamp};
/// use immutable_testkit::clock::VirtualClock;
/// use immutable_testkit::fleet::MemoryFleet;
/// use immutable_testkit::router::MemoryRouter;
///
/// let clock = VirtualClock::new(Timestamp::UNIX_EPOCH);
/// let fleet = MemoryFleet::builder(FleetId::new("web").unwrap(), clock.shared())
///     .running(1, Digest::of(b"web 1"))
///     .build();
/// let router = MemoryRouter::with_fleet(clock.shared(), &fleet);
/// router.set_sessions(5, Duration::from_secs(30));
///
/// let only = fleet.instances().remove(0);
/// let (instance, endpoint) = (only.id, only.endpoint.unwrap());
/// clock.run(async {
///     let serve = RouteChange::Serve { instance: instance.clone(), endpoint, weight: Weight::FULL };
///     router.apply(&[serve]).await.unwrap();
///     router.apply(&[RouteChange::Drain { instance: instance.clone() }]).await.unwrap();
///     // Too early: the last session ends 30 s after the drain.
///     fleet.terminate(&[TerminateRequest::new(instance)]).await;
/// });
/// assert_eq!(router.cuts()[0].sessions, 5);
/// assert!(router.misrouted().is_empty());
/// ```
#[derive(Debug)]
pub struct MemoryRouter {
    clock: Arc<dyn Clock>,
    fleet: Option<Arc<MemoryFleet>>,
    table: Arc<SharedTable>,
}

impl MemoryRouter {
    /// A router without routes that knows no fleet. Sessions: one for each route, of 10 s.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let table = Arc::new(SharedTable::new(Table::new(1, Duration::from_secs(10))));
        Self { clock, fleet: None, table }
    }

    /// A router without routes that watches what becomes of the instances it sends traffic to.
    #[must_use]
    pub fn with_fleet(clock: Arc<dyn Clock>, fleet: &Arc<MemoryFleet>) -> Self {
        let router = Self { fleet: Some(Arc::clone(fleet)), ..Self::new(clock) };
        let table: Arc<dyn Witness> = Arc::<SharedTable>::clone(&router.table);
        let witness: Weak<dyn Witness> = Arc::downgrade(&table);
        fleet.add_witness(witness);
        router
    }

    /// How many requests a route that gets traffic has open, and how long after it gets no new ones they end.
    pub fn set_sessions(&self, sessions: u32, length: Duration) {
        self.table.lock().set_sessions(sessions, length);
    }

    /// Serves every ready instance of the fleet with full weight, as if it had always been so.
    pub fn serve_all_ready(&self) {
        let Some(fleet) = &self.fleet else { return };
        let now = self.clock.now();
        for instance in fleet.instances().into_iter().filter(immutable_core::fleet::Instance::is_ready) {
            if let Some(endpoint) = instance.endpoint {
                let weight = immutable_core::fleet::Weight::FULL;
                let ready = self.ready_for(&instance.id, now);
                let change = RouteChange::Serve { instance: instance.id, endpoint, weight };
                self.table.lock().apply(&change, now, ready);
            }
        }
    }

    /// The router restarts and has lost all routes.
    pub fn restart(&self) {
        self.table.lock().clear();
    }

    /// The next calls (or changes of a call) of this kind fail.
    pub fn fail_next(&self, operation: RouterOperation, times: u32) {
        *self.table.lock().failures.entry(operation).or_default() += times;
    }

    /// Every change that was applied so far, in order.
    #[must_use]
    pub fn applied(&self) -> Vec<Applied> {
        self.table.lock().applied.clone()
    }

    /// Each time that an instance without traffic was given some while it was not ready.
    #[must_use]
    pub fn misrouted(&self) -> Vec<Misrouted> {
        self.table.lock().misrouted.clone()
    }

    /// The instances that get traffic now and are not ready now, also through no fault of those who route.
    #[must_use]
    pub fn serving_unready(&self) -> Vec<InstanceId> {
        let serving = self.table.lock().serving();
        let Some(fleet) = &self.fleet else { return Vec::new() };
        serving.into_iter().filter(|id| fleet.ready_since(id).is_none()).collect()
    }

    /// Requests that failed so far.
    #[must_use]
    pub fn cuts(&self) -> Vec<Cut> {
        // Instances that have ended meanwhile are noticed when the fleet is looked at.
        self.settle_fleet();
        self.table.lock().cuts.clone()
    }

    /// When the last request of a route that gets no new ones ends.
    #[must_use]
    pub fn quiet_at(&self, instance: &InstanceId) -> Option<Timestamp> {
        self.table.lock().quiet_at(instance)
    }

    fn settle_fleet(&self) {
        if let Some(fleet) = &self.fleet {
            let _ = fleet.available();
        }
    }

    /// `None` if no fleet is known, else for how long the instance has been ready. Not called with the table locked:
    /// the fleet locks itself first and the table then.
    fn ready_for(&self, instance: &InstanceId, now: Timestamp) -> Option<Option<Duration>> {
        self.fleet.as_ref().map(|fleet| fleet.ready_since(instance).map(|since| now.since(since)))
    }

    fn failed(action: &'static str) -> RouterError {
        RouterError::Platform { action, retry: Retry::Backoff, source: "injected: not reached".into() }
    }
}

#[async_trait]
impl Router for MemoryRouter {
    async fn observe(&self) -> Result<Vec<Route>, RouterError> {
        self.settle_fleet();
        let mut table = self.table.lock();
        if table.fails(RouterOperation::Observe) {
            return Err(Self::failed("observe"));
        }
        Ok(table.routes(self.clock.now()))
    }

    async fn apply(&self, changes: &[RouteChange]) -> Result<(), RouterError> {
        self.settle_fleet();
        let now = self.clock.now();
        for change in changes {
            let ready = match change {
                RouteChange::Serve { instance, .. } => self.ready_for(instance, now),
                _ => None,
            };
            let mut table = self.table.lock();
            if table.fails(RouterOperation::Apply) {
                return Err(Self::failed("apply"));
            }
            table.apply(change, now, ready);
        }
        Ok(())
    }
}
