use std::collections::BTreeMap;
use std::task::Waker;

use immutable_core::Timestamp;

/// What names a timer: when it is due, and the order of registration among those due together.
pub(super) type TimerKey = (Timestamp, u64);

/// Virtual time and everything that waits for it.
#[derive(Debug)]
pub(super) struct Timers {
    now: Timestamp,
    registered: u64,
    pending: BTreeMap<TimerKey, Waker>,
}

impl Timers {
    pub(super) const fn new(now: Timestamp) -> Self {
        Self { now, registered: 0, pending: BTreeMap::new() }
    }

    pub(super) const fn now(&self) -> Timestamp {
        self.now
    }

    pub(super) fn pending(&self) -> usize {
        self.pending.len()
    }

    pub(super) fn next(&self) -> Option<Timestamp> {
        self.pending.first_key_value().map(|(key, _)| key.0)
    }

    pub(super) fn register(&mut self, at: Timestamp, waker: &Waker) -> TimerKey {
        self.registered += 1;
        let key = (at, self.registered);
        self.pending.insert(key, waker.clone());
        key
    }

    /// Keeps the waker of a registered timer up to date.
    pub(super) fn renew(&mut self, key: TimerKey, waker: &Waker) {
        match self.pending.get_mut(&key) {
            Some(kept) => kept.clone_from(waker),
            None => {
                self.pending.insert(key, waker.clone());
            }
        }
    }

    pub(super) fn deregister(&mut self, key: TimerKey) {
        self.pending.remove(&key);
    }

    /// Moves time forward, never back, and hands out the wakers that are due, earliest first.
    pub(super) fn advance_to(&mut self, at: Timestamp) -> Vec<Waker> {
        self.now = self.now.max(at);
        let later = self.pending.split_off(&(self.now, u64::MAX));
        std::mem::replace(&mut self.pending, later).into_values().collect()
    }
}
