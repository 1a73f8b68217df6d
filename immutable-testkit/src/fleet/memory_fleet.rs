use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::select;
use immutable_core::controller::Clock;
use immutable_core::fleet::{
    Capabilities, DrainRequest, Fleet, FleetError, LaunchRequest, Launched, Snapshot, TerminateRequest,
    Terminated,
};
use immutable_core::{Digest, FleetId, RolloutId, Slot, Timestamp};
use tokio::sync::Notify;

use super::settings::Settings;
use super::world::World;
use super::{EffectTime, Failure, MemoryFleetBuilder, Operation};

/// A fleet in memory, with a platform's habits: instances take time to boot and to stop, launches are idempotent by
/// token, images misbehave, zones fail, lists are late.
///
/// What it looks like follows from what was asked of it and from its clock; nothing runs in the background. It is
/// shared: a controller can be dropped in the middle of a call and another one started on the same fleet, as after a
/// crash. What else a test does to it or reads from it is in the methods besides those of [`Fleet`].
///
/// ```
/// use std::time::Duration;
///
/// use immutable_core::fleet::{Fleet, LaunchRequest};
/// use immutable_core::controller::Clock;
/// use immutable_core::{Attempt, Digest, FleetId, RolloutId, Slot, Timestamp, Zone};
/// use immutable_testkit::clock::VirtualClock;
/// use immutable_testkit::fleet::{ImageBehaviour, MemoryFleet};
///
/// let clock = VirtualClock::new(Timestamp::UNIX_EPOCH);
/// let (old, new) = (Digest::of(b"web 1"), Digest::of(b"web 2"));
/// let zone = Zone::new("a").unwrap();
/// let fleet = MemoryFleet::builder(FleetId::new("web").unwrap(), clock.shared())
///     .zones([zone.clone()])
///     .image(new, ImageBehaviour::Healthy)
///     .running(3, old)
///     .boot(Duration::from_secs(40))
///     .build();
///
/// clock.run(async {
///     let request =
///         LaunchRequest::new(RolloutId::new("deploy-1").unwrap(), Slot(0), Attempt(1), zone, new);
///     let launched = fleet.launch(&[request]).await.remove(0).unwrap().instance;
///     while !fleet.observe().await.unwrap().get(&launched).unwrap().is_ready() {
///         let seen = fleet.observe().await.unwrap().revision;
///         fleet.changed(seen).await;
///     }
/// });
/// assert_eq!(clock.now().since(Timestamp::UNIX_EPOCH), Duration::from_secs(40));
/// assert_eq!(fleet.peaks().max_total, 4);
/// ```
#[derive(Debug)]
pub struct MemoryFleet {
    fleet: FleetId,
    capabilities: Capabilities,
    clock: Arc<dyn Clock>,
    world: Mutex<World>,
    something_happened: Notify,
}

impl MemoryFleet {
    /// Begins to describe a fleet.
    pub fn builder(fleet: FleetId, clock: Arc<dyn Clock>) -> MemoryFleetBuilder {
        MemoryFleetBuilder::new(fleet, clock)
    }

    pub(super) fn new(clock: Arc<dyn Clock>, settings: Settings, running: &[(u32, Digest)]) -> Self {
        let now = clock.now();
        let (fleet, capabilities) = (settings.fleet.clone(), settings.capabilities.clone());
        let mut world = World::new(settings);
        #[expect(clippy::expect_used, reason = "a constant")]
        let rollout = RolloutId::new("before").expect("a valid name");
        let images = running
            .iter()
            .flat_map(|&(n, image)| std::iter::repeat_n(image, usize::try_from(n).unwrap_or(0)));
        for ((slot, zone), image) in (0..).zip(capabilities.zones.iter().cycle()).zip(images) {
            world.found(&rollout, Slot(slot), zone, image, now);
        }
        world.gauge.reset();
        Self { fleet, capabilities, clock, world: Mutex::new(world), something_happened: Notify::new() }
    }

    /// The state as it is now.
    pub(super) fn settled(&self) -> (MutexGuard<'_, World>, Timestamp) {
        let now = self.clock.now();
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.settle(now);
        (world, now)
    }

    /// Does something to the state and wakes those who wait for a change.
    pub(super) fn operate<T>(&self, operation: impl FnOnce(&mut World, Timestamp) -> T) -> T {
        let result = {
            let (mut world, now) = self.settled();
            operation(&mut world, now)
        };
        self.something_happened.notify_waiters();
        result
    }

    /// The course of every call: its latency, around or before its effect.
    async fn call<T: Send>(
        &self,
        operation: Operation,
        effect: impl FnOnce(&mut World, Timestamp) -> T + Send,
    ) -> T {
        let (time, effect_time) = {
            let (world, _) = self.settled();
            (world.settings.call_time(operation), world.settings.effect_time)
        };
        if effect_time == EffectTime::BeforeReturn {
            self.pause(time).await;
        }
        let result = self.operate(effect);
        if effect_time == EffectTime::AtStart {
            self.pause(time).await;
        }
        result
    }

    async fn pause(&self, time: Duration) {
        if !time.is_zero() {
            self.clock.sleep_until(self.clock.now() + time).await;
        }
    }

    fn too_large(&self, requests: usize) -> Option<FleetError> {
        let most = self.capabilities.max_batch;
        (requests > most).then(|| FleetError::Invalid {
            fleet: self.fleet.clone(),
            reason: format!("{requests} requests in one call; make calls of at most {most}"),
        })
    }

    /// Runs each request of a batch, with the failures that were injected for it.
    async fn batch<R: Sync, T: Send>(
        &self,
        operation: Operation,
        requests: &[R],
        each: impl Fn(&mut World, &R, Timestamp) -> Result<T, FleetError> + Send + Sync,
    ) -> Vec<Result<T, FleetError>> {
        self.call(operation, |world, now| {
            let one = |request| {
                if let Some(error) = self.too_large(requests.len()) {
                    return Err(error);
                }
                let Some(failure) = world.faults.take(operation) else { return each(world, request, now) };
                if failure.has_effect() {
                    each(world, request, now)?;
                }
                Err(failure.error(&self.fleet, operation))
            };
            requests.iter().map(one).collect()
        })
        .await
    }

    fn refusal(&self, failure: Option<Failure>, operation: Operation) -> Result<(), FleetError> {
        failure.map_or(Ok(()), |failure| Err(failure.error(&self.fleet, operation)))
    }
}

#[async_trait]
impl Fleet for MemoryFleet {
    fn id(&self) -> &FleetId {
        &self.fleet
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities.clone()
    }

    async fn observe(&self) -> Result<Snapshot, FleetError> {
        // A read has its effect, the answer, when it is made; it does not wake anybody.
        let time = self.settled().0.settings.call_time(Operation::Observe);
        self.pause(time).await;
        let (mut world, now) = self.settled();
        self.refusal(world.faults.take(Operation::Observe), Operation::Observe)?;
        Ok(world.snapshot(now))
    }

    async fn changed(&self, since: u64) {
        if !self.capabilities.events {
            return std::future::pending().await;
        }
        loop {
            // Made before the look at the revision: whatever happens after the look wakes it.
            let happened = std::pin::pin!(self.something_happened.notified());
            let next = {
                let (world, _) = self.settled();
                if world.revision() > since {
                    return;
                }
                world.next_transition()
            };
            match next {
                Some(next) => {
                    select(happened, self.clock.sleep_until(next)).await;
                }
                None => happened.await,
            }
        }
    }

    async fn check(&self, image: &Digest) -> Result<(), FleetError> {
        let time = self.settled().0.settings.call_time(Operation::Check);
        self.pause(time).await;
        let (mut world, _) = self.settled();
        self.refusal(world.faults.take(Operation::Check), Operation::Check)?;
        world.known(image).map(|_| ())
    }

    async fn launch(&self, requests: &[LaunchRequest]) -> Vec<Result<Launched, FleetError>> {
        self.batch(Operation::Launch, requests, |world, request, now| {
            world.launch(request, now).map(|instance| Launched { instance })
        })
        .await
    }

    async fn drain(&self, requests: &[DrainRequest]) -> Vec<Result<(), FleetError>> {
        self.batch(Operation::Drain, requests, |world, request, now| {
            world.drain(&request.instance, now);
            Ok(())
        })
        .await
    }

    async fn terminate(&self, requests: &[TerminateRequest]) -> Vec<Result<Terminated, FleetError>> {
        let stopping = self
            .batch(Operation::Terminate, requests, |world, request, now| {
                Ok(world.stop(&request.instance, now))
            })
            .await;
        if let Some(gone) = stopping.iter().flatten().max() {
            self.clock.sleep_until(*gone).await;
        }
        let terminated = |(request, result): (&TerminateRequest, Result<_, _>)| {
            result.map(|_| Terminated { instance: request.instance.clone() })
        };
        requests.iter().zip(stopping).map(terminated).collect()
    }
}
