use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{Created, JournalStore, Key, StoreError};

/// A store in memory, for tests and for tools that need no recovery. Clones share their content.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    objects: Arc<Mutex<BTreeMap<Key, Vec<u8>>>>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn objects(&self) -> MutexGuard<'_, BTreeMap<Key, Vec<u8>>> {
        // Every change of the map is one call, so a panic elsewhere cannot leave it half changed.
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl JournalStore for MemoryStore {
    async fn create_if_absent(&self, key: &Key, bytes: &[u8]) -> Result<Created, StoreError> {
        let mut objects = self.objects();
        if objects.contains_key(key) {
            return Ok(Created::AlreadyExists);
        }
        objects.insert(key.clone(), bytes.to_vec());
        Ok(Created::Yes)
    }

    async fn list(&self, from: &Key) -> Result<Vec<Key>, StoreError> {
        let objects = self.objects();
        Ok(objects.range(from.clone()..=from.at(u64::MAX)).map(|(key, _)| key.clone()).collect())
    }

    async fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.objects().get(key).cloned())
    }
}
