//! A store, a fleet and a router whose caller dies at a chosen point: before or after any call, and in the middle of a
//! write.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use async_trait::async_trait;
use immutable_core::error::Retry;
use immutable_core::fleet::{
    Capabilities, DrainRequest, Fleet, FleetError, LaunchRequest, Launched, Route, RouteChange, Router,
    RouterError, Snapshot, TerminateRequest, Terminated,
};
use immutable_core::gate::{Gate, GateContext, GateError, Judgement};
use immutable_core::journal::{Created, JournalStore, Key, StoreError};
use immutable_core::{Digest, FleetId};

/// What happens at one point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Point {
    /// The process dies before, or after, a call that may change something.
    Before(&'static str),
    After(&'static str),
    /// The process dies with so much of a commit on the disk, in a file that is not the commit's yet.
    Torn(Cut),
    /// The commit is stored, and the process, which lives on, is told that it failed.
    Unanswered,
}

/// Where a write was cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    Nothing,
    InDigest,
    InTheMiddle,
    LastByte,
}

impl Cut {
    pub(crate) const ALL: [Self; 4] = [Self::Nothing, Self::InDigest, Self::InTheMiddle, Self::LastByte];

    fn of(self, bytes: &[u8]) -> &[u8] {
        let end = match self {
            Self::Nothing => 0,
            Self::InDigest => 20,
            Self::InTheMiddle => bytes.len() / 2,
            Self::LastByte => bytes.len() - 1,
        };
        &bytes[..end]
    }
}

/// Counts the points that one process passes, and makes one of them happen.
#[derive(Debug)]
pub(crate) struct Fate {
    at: Option<usize>,
    counts_looks: bool,
    passed: AtomicUsize,
    dead: AtomicBool,
    happened: Mutex<Option<Point>>,
}

impl Fate {
    /// Nothing happens.
    pub(crate) fn none() -> Arc<Self> {
        Arc::new(Self::of(None, true))
    }

    /// The point of this number happens, counted from 0.
    pub(crate) fn at_any(at: usize) -> Arc<Self> {
        Arc::new(Self::of(Some(at), true))
    }

    /// The same, without the points around looks: whoever dies there leaves what it would leave at the point before.
    pub(crate) fn at_changes(at: usize) -> Arc<Self> {
        Arc::new(Self::of(Some(at), false))
    }

    const fn of(at: Option<usize>, counts_looks: bool) -> Self {
        let (passed, dead) = (AtomicUsize::new(0), AtomicBool::new(false));
        Self { at, counts_looks, passed, dead, happened: Mutex::new(None) }
    }

    pub(crate) fn happened(&self) -> Option<Point> {
        *self.happened.lock().unwrap()
    }

    /// Ends when the process dies. To be polled after the process, in the same turn.
    pub(crate) async fn death(&self) {
        let look = |_: &mut std::task::Context<'_>| {
            if self.dead.load(Ordering::Relaxed) { Poll::Ready(()) } else { Poll::Pending }
        };
        std::future::poll_fn(look).await;
    }

    fn is_now(&self, point: Point) -> bool {
        let is_now = self.at == Some(self.passed.fetch_add(1, Ordering::Relaxed));
        if is_now {
            *self.happened.lock().unwrap() = Some(point);
        }
        is_now
    }

    /// Whoever calls this may never go on.
    async fn pass(&self, point: Point) {
        if self.is_now(point) {
            self.die().await;
        }
    }

    async fn pass_look(&self, point: Point) {
        if self.counts_looks {
            self.pass(point).await;
        }
    }

    async fn die(&self) {
        self.dead.store(true, Ordering::Relaxed);
        std::future::pending::<()>().await;
    }
}

#[derive(Debug)]
pub(crate) struct MortalStore {
    pub(crate) inner: Arc<dyn JournalStore>,
    pub(crate) fate: Arc<Fate>,
    /// Where a torn write leaves what it has written, if the store has such a place.
    pub(crate) torn: Option<PathBuf>,
}

#[async_trait]
impl JournalStore for MortalStore {
    async fn create_if_absent(&self, key: &Key, bytes: &[u8]) -> Result<Created, StoreError> {
        self.fate.pass(Point::Before("write")).await;
        for cut in Cut::ALL.into_iter().filter(|_| self.torn.is_some()) {
            if self.fate.is_now(Point::Torn(cut)) {
                let folder = self.torn.as_ref().unwrap().join(format!("rollout/{}/log", key.rollout()));
                std::fs::create_dir_all(&folder).unwrap();
                let file = folder.join(format!(".{:020}-4242-{cut:?}.tmp", key.seq()));
                std::fs::write(file, cut.of(bytes)).unwrap();
                self.fate.die().await;
            }
        }
        let created = self.inner.create_if_absent(key, bytes).await?;
        if self.fate.is_now(Point::Unanswered) {
            return Err(StoreError::new("create", key.to_string(), Retry::Backoff, "no answer".into()));
        }
        self.fate.pass(Point::After("write")).await;
        Ok(created)
    }

    async fn list(&self, from: &Key) -> Result<Vec<Key>, StoreError> {
        self.inner.list(from).await
    }

    async fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.get(key).await
    }
}

#[derive(Debug)]
pub(crate) struct MortalFleet {
    pub(crate) inner: Arc<dyn Fleet>,
    pub(crate) fate: Arc<Fate>,
}

#[async_trait]
impl Fleet for MortalFleet {
    fn id(&self) -> &FleetId {
        self.inner.id()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn observe(&self) -> Result<Snapshot, FleetError> {
        self.fate.pass_look(Point::Before("look")).await;
        let snapshot = self.inner.observe().await;
        self.fate.pass_look(Point::After("look")).await;
        snapshot
    }

    async fn changed(&self, since: u64) {
        self.inner.changed(since).await;
    }

    async fn check(&self, image: &Digest) -> Result<(), FleetError> {
        self.inner.check(image).await
    }

    async fn launch(&self, requests: &[LaunchRequest]) -> Vec<Result<Launched, FleetError>> {
        self.fate.pass(Point::Before("launch")).await;
        let launched = self.inner.launch(requests).await;
        self.fate.pass(Point::After("launch")).await;
        launched
    }

    async fn drain(&self, requests: &[DrainRequest]) -> Vec<Result<(), FleetError>> {
        self.fate.pass(Point::Before("drain")).await;
        let drained = self.inner.drain(requests).await;
        self.fate.pass(Point::After("drain")).await;
        drained
    }

    async fn terminate(&self, requests: &[TerminateRequest]) -> Vec<Result<Terminated, FleetError>> {
        self.fate.pass(Point::Before("terminate")).await;
        let terminated = self.inner.terminate(requests).await;
        self.fate.pass(Point::After("terminate")).await;
        terminated
    }
}

#[derive(Debug)]
pub(crate) struct MortalRouter {
    pub(crate) inner: Arc<dyn Router>,
    pub(crate) fate: Arc<Fate>,
}

#[async_trait]
impl Router for MortalRouter {
    async fn observe(&self) -> Result<Vec<Route>, RouterError> {
        self.fate.pass_look(Point::Before("look at the router")).await;
        let routes = self.inner.observe().await;
        self.fate.pass_look(Point::After("look at the router")).await;
        routes
    }

    async fn apply(&self, changes: &[RouteChange]) -> Result<(), RouterError> {
        self.fate.pass(Point::Before("route")).await;
        let applied = self.inner.apply(changes).await;
        self.fate.pass(Point::After("route")).await;
        applied
    }
}

#[derive(Debug)]
pub(crate) struct MortalGate {
    pub(crate) inner: Arc<dyn Gate>,
    pub(crate) fate: Arc<Fate>,
}

#[async_trait]
impl Gate for MortalGate {
    async fn evaluate(&self, context: &GateContext) -> Result<Judgement, GateError> {
        self.fate.pass_look(Point::Before("judge")).await;
        let judgement = self.inner.evaluate(context).await;
        self.fate.pass_look(Point::After("judge")).await;
        judgement
    }
}
