use async_trait::async_trait;
use immutable_core::journal::{Created, JournalStore, Key, StoreError};
use immutable_core::store::FolderStore;
use tokio::runtime::{Builder, Runtime};

/// The store in a folder for callers in virtual time, which nothing may wake from another thread: every call is waited
/// for.
#[derive(Debug)]
pub(crate) struct Waiting {
    store: FolderStore,
    runtime: Runtime,
}

impl Waiting {
    pub(crate) fn new(store: FolderStore) -> Self {
        Self { store, runtime: Builder::new_current_thread().build().unwrap() }
    }
}

#[async_trait]
impl JournalStore for Waiting {
    async fn create_if_absent(&self, key: &Key, bytes: &[u8]) -> Result<Created, StoreError> {
        self.runtime.block_on(self.store.create_if_absent(key, bytes))
    }

    async fn list(&self, from: &Key) -> Result<Vec<Key>, StoreError> {
        self.runtime.block_on(self.store.list(from))
    }

    async fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        self.runtime.block_on(self.store.get(key))
    }
}

/// A folder of its own on the disk that is measured, which goes away with it.
pub(crate) fn scratch(folder: &std::path::Path) -> tempfile::TempDir {
    std::fs::create_dir_all(folder).unwrap();
    tempfile::Builder::new().prefix("bench-journal-").tempdir_in(folder).unwrap()
}
