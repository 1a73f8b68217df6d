use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::FaultKind;

/// Counts faults that somebody met: one that was injected and met by no call is not counted. Clones count together.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    met: Arc<Mutex<BTreeMap<FaultKind, u64>>>,
}

impl Tally {
    /// Nothing counted.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One more.
    pub fn met(&self, kind: FaultKind) {
        *self.lock().entry(kind).or_default() += 1;
    }

    /// How many of each kind; those that nobody met are not in it.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<FaultKind, u64> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<FaultKind, u64>> {
        self.met.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
