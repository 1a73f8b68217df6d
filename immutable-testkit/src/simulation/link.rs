use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;
use immutable_core::controller::Clock;
use immutable_core::fleet::{
    Capabilities, DrainRequest, Fleet, FleetError, LaunchRequest, Launched, Route, RouteChange, Router,
    RouterError, Snapshot, TerminateRequest, Terminated,
};
use immutable_core::journal::{Created, JournalStore, Key, StoreError};
use immutable_core::{Digest, FleetId, Seed, Timestamp};

use super::Property;
use super::observer::Observer;
use crate::faulty::{FaultKind, Tally};

/// How one process stands, and what stands between it and its world.
#[derive(Debug, Default)]
struct Standing {
    dead: bool,
    asleep: bool,
    /// After how many calls it dies, and whether the last one is still made.
    doomed: Option<(u32, bool)>,
    /// Until when its requests, or the answers to them, are held up.
    slow: Option<(bool, Timestamp)>,
    calls: u64,
    /// When the last one was made, and how many were at that moment.
    at_once: Option<(Timestamp, u32)>,
    waker: Option<Waker>,
}

/// A process that makes more calls than these in no time at all would do so for ever.
const AT_ONCE: u32 = 10_000;

/// The life of one process: it can be put to sleep and woken, and dies at any of its calls. Everything that it does goes
/// through its link.
#[derive(Clone, Debug)]
pub(super) struct Link {
    clock: Arc<dyn Clock>,
    tally: Tally,
    observer: Arc<Observer>,
    seed: Seed,
    standing: Arc<Mutex<Standing>>,
}

impl Link {
    pub(super) fn new(clock: Arc<dyn Clock>, tally: Tally, observer: Arc<Observer>, seed: Seed) -> Self {
        Self { clock, tally, observer, seed, standing: Arc::default() }
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It dies at the nth call from now on.
    pub(super) fn doom(&self, calls: u32, done: bool) {
        self.standing().doomed = Some((calls, done));
    }

    pub(super) fn sleep(&self) {
        self.standing().asleep = true;
    }

    pub(super) fn wake(&self) {
        let waker = {
            let mut standing = self.standing();
            standing.asleep = false;
            standing.waker.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }

    pub(super) fn slow(&self, answers: bool, until: Timestamp) {
        self.standing().slow = Some((answers, until));
    }

    /// No faults any more; a process that sleeps wakes up.
    pub(super) fn heal(&self) {
        {
            let mut standing = self.standing();
            standing.doomed = None;
            standing.slow = None;
        }
        self.wake();
    }

    /// Lives: polls the future while it is awake, and until it dies.
    pub(super) async fn live<T>(&self, life: impl Future<Output = T>) -> Option<T> {
        let mut life = std::pin::pin!(life);
        std::future::poll_fn(|context| {
            {
                let mut standing = self.standing();
                standing.waker = Some(context.waker().clone());
                if standing.asleep {
                    return Poll::Pending;
                }
            }
            match life.as_mut().poll(context) {
                Poll::Ready(output) => Poll::Ready(Some(output)),
                Poll::Pending if self.standing().dead => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }

    /// Makes a call, if the process lives to make it, and lives to hear of it.
    async fn call<T>(&self, call: impl Future<Output = T>) -> T {
        let (number, at_once, dies) = {
            let mut standing = self.standing();
            standing.calls += 1;
            let now = self.clock.now();
            let before = standing.at_once.filter(|(at, _)| *at == now).map_or(0, |(_, calls)| calls);
            standing.at_once = Some((now, before + 1));
            let dies = match &mut standing.doomed {
                Some((0, done)) => Some(*done),
                Some((calls, _)) => {
                    *calls -= 1;
                    None
                }
                None => None,
            };
            (standing.calls, before + 1, dies)
        };
        if dies == Some(false) {
            return self.die().await;
        }
        if at_once > AT_ONCE {
            let what = format!("a process makes more than {AT_ONCE} calls in no time");
            self.observer.find(Property::Bounded, what);
            self.standing().dead = true;
            return std::future::pending().await;
        }
        self.held_up(false, number).await;
        let answer = call.await;
        if dies == Some(true) {
            return self.die().await;
        }
        self.held_up(true, number).await;
        answer
    }

    async fn die<T>(&self) -> T {
        self.tally.met(FaultKind::Crash);
        self.standing().dead = true;
        std::future::pending().await
    }

    /// What is held up goes on in any order.
    async fn held_up(&self, answers: bool, number: u64) {
        let now = self.clock.now();
        let slow = self.standing().slow.filter(|(is, until)| *is == answers && now < *until);
        if let Some((_, until)) = slow {
            self.tally.met(FaultKind::Slow);
            let later = Duration::from_millis(self.seed.rank_number(number) % 2000);
            self.clock.sleep_until(until + later).await;
        }
    }
}

/// A fleet, router or store as one process sees it.
#[derive(Debug)]
pub(super) struct Linked<T: ?Sized> {
    pub(super) link: Link,
    pub(super) inner: Arc<T>,
}

#[async_trait]
impl Fleet for Linked<dyn Fleet> {
    fn id(&self) -> &FleetId {
        self.inner.id()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn observe(&self) -> Result<Snapshot, FleetError> {
        self.link.call(self.inner.observe()).await
    }

    async fn changed(&self, since: u64) {
        self.inner.changed(since).await;
    }

    async fn check(&self, image: &Digest) -> Result<(), FleetError> {
        self.link.call(self.inner.check(image)).await
    }

    async fn launch(&self, requests: &[LaunchRequest]) -> Vec<Result<Launched, FleetError>> {
        self.link.call(self.inner.launch(requests)).await
    }

    async fn drain(&self, requests: &[DrainRequest]) -> Vec<Result<(), FleetError>> {
        self.link.call(self.inner.drain(requests)).await
    }

    async fn terminate(&self, requests: &[TerminateRequest]) -> Vec<Result<Terminated, FleetError>> {
        self.link.call(self.inner.terminate(requests)).await
    }
}

#[async_trait]
impl Router for Linked<dyn Router> {
    async fn observe(&self) -> Result<Vec<Route>, RouterError> {
        self.link.call(self.inner.observe()).await
    }

    async fn apply(&self, changes: &[RouteChange]) -> Result<(), RouterError> {
        self.link.call(self.inner.apply(changes)).await
    }
}

#[async_trait]
impl JournalStore for Linked<dyn JournalStore> {
    async fn create_if_absent(&self, key: &Key, bytes: &[u8]) -> Result<Created, StoreError> {
        self.link.call(self.inner.create_if_absent(key, bytes)).await
    }

    async fn list(&self, from: &Key) -> Result<Vec<Key>, StoreError> {
        self.link.call(self.inner.list(from)).await
    }

    async fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        self.link.call(self.inner.get(key)).await
    }
}
