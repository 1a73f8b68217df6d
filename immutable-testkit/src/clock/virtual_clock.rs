use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use immutable_core::controller::Clock;
use immutable_core::{ClockId, Timestamp};

use super::Stalled;
use super::timers::{TimerKey, Timers};

/// How often a future may be polled while time stands still. A rollout of 10,000 instances needs some 10,000 polls in
/// one instant; a future that needs a hundred times as many does nothing but wake itself.
const MAX_POLLS_PER_INSTANT: u64 = 1_000_000;

/// A clock that only moves when everything waits for it, with the executor that moves it.
///
/// [`run`](Self::run) polls a future on the calling thread. When the future waits and nothing has woken it, time jumps
/// to the earliest sleeper. The same future does the same each time; no runtime and no real time is involved, so
/// whatever wakes from another thread (a socket, `spawn_blocking`) does not work under it.
///
/// Clones share their time.
///
/// ```
/// use std::time::Duration;
///
/// use immutable_core::Timestamp;
/// use immutable_core::controller::Clock;
/// use immutable_testkit::clock::VirtualClock;
///
/// let clock = VirtualClock::new(Timestamp::UNIX_EPOCH);
/// let deadline = clock.now() + Duration::from_secs(3600);
/// clock.run(clock.sleep_until(deadline)); // takes no time
/// assert_eq!(clock.now(), deadline);
/// ```
#[derive(Clone, Debug)]
pub struct VirtualClock {
    id: ClockId,
    timers: Arc<Mutex<Timers>>,
}

impl VirtualClock {
    /// A clock that shows this time until it is moved.
    #[must_use]
    pub fn new(start: Timestamp) -> Self {
        #[expect(clippy::expect_used, reason = "letters")]
        let id = ClockId::new("virtual").expect("a valid name");
        Self { id, timers: Arc::new(Mutex::new(Timers::new(start))) }
    }

    /// The clock as fleets and controllers take it.
    #[must_use]
    pub fn shared(&self) -> Arc<dyn Clock> {
        Arc::new(self.clone())
    }

    /// How many futures sleep.
    #[must_use]
    pub fn sleepers(&self) -> usize {
        self.lock().pending()
    }

    /// When the earliest sleeper wakes.
    #[must_use]
    pub fn next_timer(&self) -> Option<Timestamp> {
        self.lock().next()
    }

    /// Moves time forward by hand, for a test that looks at states between two calls.
    pub fn advance(&self, by: Duration) {
        let due = {
            let mut timers = self.lock();
            let at = timers.now() + by;
            timers.advance_to(at)
        };
        due.into_iter().for_each(Waker::wake);
    }

    /// Runs a future to its end, in virtual time.
    ///
    /// # Panics
    /// When it cannot finish: it waits and no timer is pending, or it wakes itself without end.
    pub fn run<F: Future>(&self, future: F) -> F::Output {
        match self.drive(None, future) {
            Ok(output) => output,
            #[expect(clippy::panic, reason = "a test that hangs must fail and say why")]
            Err(stalled) => panic!("{stalled}"),
        }
    }

    /// Runs a future to its end, but not beyond this time.
    ///
    /// # Errors
    /// [`Stalled`] when it did not finish. Time then stands where the future last ran, at the limit at most.
    pub fn run_until<F: Future>(&self, limit: Timestamp, future: F) -> Result<F::Output, Stalled> {
        self.drive(Some(limit), future)
    }

    /// Runs several futures together and returns what they returned, in order.
    ///
    /// # Panics
    /// As [`run`](Self::run).
    pub fn run_all<T>(&self, futures: Vec<BoxFuture<'_, T>>) -> Vec<T> {
        self.run(futures_util::future::join_all(futures))
    }

    fn drive<F: Future>(&self, limit: Option<Timestamp>, future: F) -> Result<F::Output, Stalled> {
        let mut future = pin!(future);
        let woken = Arc::new(Woken(AtomicBool::new(false)));
        let waker = Waker::from(Arc::clone(&woken));
        let mut context = Context::from_waker(&waker);
        let mut polls = 0;
        loop {
            woken.0.store(false, Ordering::SeqCst);
            if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                return Ok(output);
            }
            polls += 1;
            if polls == MAX_POLLS_PER_INSTANT {
                return Err(Stalled::Livelock { at: self.now(), polls });
            }
            while !woken.0.load(Ordering::SeqCst) {
                let due = {
                    let mut timers = self.lock();
                    let Some(next) = timers.next() else {
                        return Err(Stalled::Deadlock { at: timers.now() });
                    };
                    if let Some(limit) = limit.filter(|limit| *limit < next) {
                        timers.advance_to(limit);
                        return Err(Stalled::TimeLimit { limit, next });
                    }
                    timers.advance_to(next)
                };
                due.into_iter().for_each(Waker::wake);
                polls = 0;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Timers> {
        self.timers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        self.lock().now()
    }

    async fn sleep_until(&self, at: Timestamp) {
        Sleep { clock: self, at, key: None }.await;
    }

    fn id(&self) -> ClockId {
        self.id.clone()
    }
}

/// A pending [`Clock::sleep_until`]; dropping it takes its timer off the clock.
struct Sleep<'a> {
    clock: &'a VirtualClock,
    at: Timestamp,
    key: Option<TimerKey>,
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut timers = self.clock.lock();
        if timers.now() >= self.at {
            return Poll::Ready(());
        }
        let key = match self.key {
            None => timers.register(self.at, context.waker()),
            Some(key) => {
                timers.renew(key, context.waker());
                key
            }
        };
        drop(timers);
        self.key = Some(key);
        Poll::Pending
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.clock.lock().deregister(key);
        }
    }
}

/// Notes that the future under [`VirtualClock::run`] was woken.
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}
