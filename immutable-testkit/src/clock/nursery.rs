use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};

/// Futures that run beside another one, on the same thread, in the order in which they are woken. More may be added while
/// they run; those that are left when the other one ends are dropped.
///
/// Clones add to the same nursery.
///
/// ```
/// use std::time::Duration;
///
/// use immutable_core::Timestamp;
/// use immutable_core::controller::Clock;
/// use immutable_testkit::clock::{Nursery, VirtualClock};
///
/// let clock = VirtualClock::new(Timestamp::UNIX_EPOCH);
/// let nursery = Nursery::new();
/// let (later, now) = (clock.clone(), clock.now());
/// nursery.spawn(async move { later.sleep_until(now + Duration::from_secs(5)).await });
/// clock.run(nursery.run(clock.sleep_until(now + Duration::from_secs(9))));
/// assert_eq!(clock.sleepers(), 0);
/// ```
#[derive(Clone, Default)]
pub struct Nursery {
    newcomers: Arc<Mutex<Vec<BoxFuture<'static, ()>>>>,
}

impl Nursery {
    /// A nursery without futures.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs this one too. It is first polled when the nursery is, which must be done from within it or before it runs.
    pub fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.newcomers().push(Box::pin(future));
    }

    /// Runs everything until this future ends.
    pub async fn run<T>(&self, until: impl Future<Output = T>) -> T {
        let mut until = std::pin::pin!(until);
        let mut inside = FuturesUnordered::new();
        std::future::poll_fn(|context| {
            loop {
                if let Poll::Ready(output) = until.as_mut().poll(context) {
                    return Poll::Ready(output);
                }
                let newcomers = std::mem::take(&mut *self.newcomers());
                inside.extend(newcomers);
                while let Poll::Ready(Some(())) = inside.poll_next_unpin(context) {}
                if self.newcomers().is_empty() {
                    return Poll::Pending;
                }
            }
        })
        .await
    }

    fn newcomers(&self) -> MutexGuard<'_, Vec<BoxFuture<'static, ()>>> {
        self.newcomers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Nursery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Nursery").field("newcomers", &self.newcomers().len()).finish()
    }
}
