use std::fmt::Debug;

use async_trait::async_trait;

use super::{Route, RouteChange, RouterError};

/// What sends traffic to instances.
///
/// The controller compares [`observe`](Self::observe) with what must be at every turn and applies the difference, so a
/// router that lost its state is repaired. A fleet without a router counts "ready" as "serving".
#[async_trait]
pub trait Router: Debug + Send + Sync {
    /// All routes that name an instance, in order of the instances. Entries the router has for other purposes are
    /// left out.
    ///
    /// # Errors
    /// [`RouterError`]; a partial list is an error, not an answer.
    async fn observe(&self) -> Result<Vec<Route>, RouterError>;

    /// Makes the changes, in order. Stops at the first that fails; those before it were made. May be repeated.
    ///
    /// # Errors
    /// [`RouterError`].
    async fn apply(&self, changes: &[RouteChange]) -> Result<(), RouterError>;
}
