use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use immutable_core::controller::Clock;

/// What all suites need of a backend under test. Each case gets a harness of its own.
#[async_trait]
pub trait Harness: Debug + Send + Sync {
    /// The clock that waits are measured by: virtual for fakes,
    /// [`SystemClock`](immutable_core::controller::SystemClock) for real platforms.
    fn clock(&self) -> Arc<dyn Clock>;

    /// Removes what the case left behind; called after each case, also after one that failed.
    async fn cleanup(&self) {}
}
