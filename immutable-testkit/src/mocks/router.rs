use async_trait::async_trait;
use immutable_core::fleet::{Route, RouteChange, RouterError};

mockall::mock! {
    /// A [`Router`](immutable_core::fleet::Router) of expectations.
    #[derive(Debug)]
    pub Router {}

    #[async_trait]
    impl immutable_core::fleet::Router for Router {
        async fn observe(&self) -> Result<Vec<Route>, RouterError>;
        async fn apply(&self, changes: &[RouteChange]) -> Result<(), RouterError>;
    }
}
