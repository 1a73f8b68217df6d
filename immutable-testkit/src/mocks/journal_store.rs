use async_trait::async_trait;
use immutable_core::journal::{Created, Key, StoreError};

mockall::mock! {
    /// A [`JournalStore`](immutable_core::journal::JournalStore) of expectations.
    #[derive(Debug)]
    pub JournalStore {}

    #[async_trait]
    impl immutable_core::journal::JournalStore for JournalStore {
        async fn create_if_absent(&self, key: &Key, bytes: &[u8]) -> Result<Created, StoreError>;
        async fn list(&self, from: &Key) -> Result<Vec<Key>, StoreError>;
        async fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError>;
    }
}
