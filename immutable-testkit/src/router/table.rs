use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use immutable_core::fleet::{Route, RouteChange, RouteState, Weight};
use immutable_core::{InstanceId, Timestamp};

use super::{Applied, Cut, CutCause, Misrouted, RouterOperation};
use crate::fleet::Witness;

#[derive(Debug)]
struct Entry {
    endpoint: SocketAddr,
    state: RouteState,
    /// Since when it gets no new requests.
    quiet_since: Option<Timestamp>,
    /// Its instance is gone, and its sessions with it.
    dead: bool,
}

impl Entry {
    const fn serves(&self) -> bool {
        matches!(self.state, RouteState::Serving(weight) if weight.get() > 0)
    }
}

/// The routes and what became of the requests.
#[derive(Debug)]
pub(super) struct Table {
    routes: BTreeMap<InstanceId, Entry>,
    sessions: u32,
    session_length: Duration,
    pub(super) applied: Vec<Applied>,
    pub(super) cuts: Vec<Cut>,
    pub(super) misrouted: Vec<Misrouted>,
    pub(super) failures: BTreeMap<RouterOperation, u32>,
}

impl Table {
    pub(super) const fn new(sessions: u32, session_length: Duration) -> Self {
        Self {
            routes: BTreeMap::new(),
            sessions,
            session_length,
            applied: Vec::new(),
            cuts: Vec::new(),
            misrouted: Vec::new(),
            failures: BTreeMap::new(),
        }
    }

    pub(super) const fn set_sessions(&mut self, sessions: u32, length: Duration) {
        self.sessions = sessions;
        self.session_length = length;
    }

    pub(super) fn clear(&mut self) {
        self.routes.clear();
    }

    /// Takes one of the failures that were injected for this kind of call.
    pub(super) fn fails(&mut self, operation: RouterOperation) -> bool {
        self.failures.get_mut(&operation).filter(|left| **left > 0).map(|left| *left -= 1).is_some()
    }

    pub(super) fn serving(&self) -> Vec<InstanceId> {
        self.routes.iter().filter(|(_, entry)| entry.serves()).map(|(id, _)| id.clone()).collect()
    }

    pub(super) fn routes(&self, now: Timestamp) -> Vec<Route> {
        let route = |(id, entry): (&InstanceId, &Entry)| {
            let mut route = Route::new(id.clone(), entry.endpoint, entry.state);
            route.sessions = self.open(entry, now);
            route
        };
        self.routes.iter().map(route).collect()
    }

    fn open(&self, entry: &Entry, now: Timestamp) -> u32 {
        let over = entry.quiet_since.is_some_and(|since| now >= since + self.session_length);
        if entry.dead || over { 0 } else { self.sessions }
    }

    /// When the last session of a route that gets no new ones ends.
    pub(super) fn quiet_at(&self, instance: &InstanceId) -> Option<Timestamp> {
        self.routes.get(instance)?.quiet_since.map(|since| since + self.session_length)
    }

    /// Makes one change. `ready_for`: `None` if no fleet is known, else for how long the instance has been ready.
    pub(super) fn apply(
        &mut self,
        change: &RouteChange,
        now: Timestamp,
        ready_for: Option<Option<Duration>>,
    ) {
        let effective = match change {
            RouteChange::Serve { instance, endpoint, weight } => {
                self.serve(instance, *endpoint, *weight, now, ready_for)
            }
            RouteChange::Drain { instance } => self.drain(instance, now),
            RouteChange::Detach { instance } => self.detach(instance, now),
            #[expect(
                clippy::unimplemented,
                reason = "a change that this router does not know yet must not pass"
            )]
            other => unimplemented!("route change {other:?}"),
        };
        self.applied.push(Applied {
            at: now,
            change: change.clone(),
            effective,
            ready_for: ready_for.flatten(),
        });
    }

    fn serve(
        &mut self,
        instance: &InstanceId,
        endpoint: SocketAddr,
        weight: Weight,
        now: Timestamp,
        ready_for: Option<Option<Duration>>,
    ) -> bool {
        let before = self.routes.get(instance);
        let state = RouteState::Serving(weight);
        if before.is_some_and(|entry| entry.state == state && entry.endpoint == endpoint) {
            return false;
        }
        let served = before.is_some_and(Entry::serves);
        let quiet_since = match before {
            _ if weight > Weight::ZERO => None,
            None => Some(now.saturating_sub(self.session_length)),
            Some(entry) => entry.quiet_since.or(Some(now)),
        };
        let dead = before.is_some_and(|entry| entry.dead);
        self.routes.insert(instance.clone(), Entry { endpoint, state, quiet_since, dead });
        if weight > Weight::ZERO && !served && ready_for == Some(None) {
            self.misrouted.push(Misrouted { at: now, instance: instance.clone() });
        }
        true
    }

    fn drain(&mut self, instance: &InstanceId, now: Timestamp) -> bool {
        let Some(entry) = self.routes.get_mut(instance) else { return false };
        let effective = entry.state != RouteState::Draining;
        entry.state = RouteState::Draining;
        entry.quiet_since.get_or_insert(now);
        effective
    }

    fn detach(&mut self, instance: &InstanceId, now: Timestamp) -> bool {
        let Some(entry) = self.routes.remove(instance) else { return false };
        let sessions = self.open(&entry, now);
        if sessions > 0 {
            let serving = entry.serves();
            let cause = CutCause::Detached;
            self.cuts.push(Cut { at: now, instance: instance.clone(), sessions, serving, cause });
        }
        true
    }

    fn ended(&mut self, instance: &InstanceId, at: Timestamp, on_request: bool) {
        let Some(entry) = self.routes.get(instance).filter(|entry| !entry.dead) else { return };
        let (sessions, serving) = (self.open(entry, at), entry.serves());
        if sessions > 0 || serving {
            let cause = if on_request { CutCause::Terminated } else { CutCause::Died };
            self.cuts.push(Cut { at, instance: instance.clone(), sessions, serving, cause });
        }
        if let Some(entry) = self.routes.get_mut(instance) {
            entry.dead = true;
        }
    }
}

/// A table that a fleet tells when an instance goes away.
#[derive(Debug)]
pub(super) struct SharedTable(Mutex<Table>);

impl SharedTable {
    pub(super) const fn new(table: Table) -> Self {
        Self(Mutex::new(table))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Witness for SharedTable {
    fn ended(&self, instance: &InstanceId, at: Timestamp, on_request: bool) {
        self.lock().ended(instance, at, on_request);
    }
}
