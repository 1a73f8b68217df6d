use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use immutable_core::controller::Clock;

/// The result of a future, if it has one before this much time has passed on the clock.
pub async fn within<F: Future + Send>(clock: &dyn Clock, limit: Duration, future: F) -> Option<F::Output>
where
    F::Output: Send,
{
    let deadline = clock.sleep_until(clock.now() + limit);
    match select(pin!(future), deadline).await {
        Either::Left((output, _)) => Some(output),
        Either::Right(_) => None,
    }
}
