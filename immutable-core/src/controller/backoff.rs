use std::collections::BTreeMap;
use std::time::Duration;

use super::Options;
use crate::error::Retry;
use crate::seed::Seed;
use crate::time::Timestamp;

/// When each failed call may be repeated: pauses double from the first to the longest, shortened by up to a quarter so
/// that calls that failed together do not come back together.
#[derive(Debug)]
pub(super) struct Backoff<K> {
    first: Duration,
    most: Duration,
    seed: Seed,
    failures: BTreeMap<K, (u32, Timestamp)>,
}

impl<K: Ord + std::fmt::Debug> Backoff<K> {
    pub(super) const fn new(options: &Options, seed: Seed) -> Self {
        Self { first: options.retry_first, most: options.retry_most, seed, failures: BTreeMap::new() }
    }

    pub(super) fn failed(&mut self, key: K, retry: Retry, now: Timestamp) {
        let count = self.failures.get(&key).map_or(0, |(count, _)| *count);
        let pause = match retry {
            Retry::After(pause) => pause,
            Retry::Never | Retry::Backoff => {
                let whole = self.first.saturating_mul(1 << count.min(16)).min(self.most);
                let rank = self.seed.rank(format!("{key:?} {count}").as_bytes());
                whole - whole / 4 * u32::try_from(rank % 256).unwrap_or(0) / 256
            }
        };
        self.failures.insert(key, (count + 1, now + pause));
    }

    pub(super) fn succeeded(&mut self, key: &K) {
        self.failures.remove(key);
    }

    /// Whether the call may be made now.
    pub(super) fn may(&self, key: &K, now: Timestamp) -> bool {
        seeded!(RetriedAtOnce => return true);
        self.failures.get(key).is_none_or(|(_, at)| *at <= now)
    }

    /// When the next paused call may be repeated.
    pub(super) fn next(&self, now: Timestamp) -> Option<Timestamp> {
        self.failures.values().map(|(_, at)| *at).filter(|at| *at > now).min()
    }
}

#[cfg(seeded_bugs)]
impl Backoff<super::run::Call> {
    /// The launch with another token, if it has failed before.
    pub(super) fn renamed(
        &self,
        op: crate::planner::OpId,
        request: crate::fleet::LaunchRequest,
    ) -> crate::fleet::LaunchRequest {
        let count = self.failures.get(&super::run::Call::Op(op)).map_or(0, |(count, _)| *count);
        let attempt = crate::id::Attempt(request.attempt.0 + 1000 * count);
        let token = crate::id::Token::of(&request.rollout, request.slot, attempt);
        crate::fleet::LaunchRequest { token, ..request }
    }
}
