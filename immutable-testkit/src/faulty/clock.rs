use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use immutable_core::controller::Clock;
use immutable_core::{ClockId, Timestamp};

/// A clock that shows another time than the one it follows, and can jump forward. It never goes back, as
/// [`Clock`] promises: a process that is started again has another clock.
///
/// ```
/// use std::time::Duration;
///
/// use immutable_core::Timestamp;
/// use immutable_core::controller::Clock;
/// use immutable_testkit::clock::VirtualClock;
/// use immutable_testkit::faulty::SkewedClock;
///
/// let clock = VirtualClock::new(Timestamp::from_unix(Duration::from_secs(100)));
/// let late = SkewedClock::behind(clock.shared(), Duration::from_secs(40));
/// assert_eq!(late.now(), Timestamp::from_unix(Duration::from_secs(60)));
/// late.jump(Duration::from_secs(5));
/// clock.run(late.sleep_until(Timestamp::from_unix(Duration::from_secs(70))));
/// assert_eq!(clock.now(), Timestamp::from_unix(Duration::from_secs(105)));
/// ```
#[derive(Clone, Debug)]
pub struct SkewedClock {
    id: ClockId,
    inner: Arc<dyn Clock>,
    /// How far it is ahead, and how far behind.
    skew: Arc<Mutex<(Duration, Duration)>>,
}

impl SkewedClock {
    /// A clock that is so far ahead.
    #[must_use]
    pub fn ahead(inner: Arc<dyn Clock>, by: Duration) -> Self {
        Self { id: id(&*inner, "ahead", by), inner, skew: Arc::new(Mutex::new((by, Duration::ZERO))) }
    }

    /// A clock that is so far behind.
    #[must_use]
    pub fn behind(inner: Arc<dyn Clock>, by: Duration) -> Self {
        Self { id: id(&*inner, "behind", by), inner, skew: Arc::new(Mutex::new((Duration::ZERO, by))) }
    }

    /// It is suddenly so much later. Whoever sleeps is woken when as much time has really passed as was to pass.
    pub fn jump(&self, by: Duration) {
        self.skew.lock().unwrap_or_else(PoisonError::into_inner).0 += by;
    }

    fn skew(&self) -> (Duration, Duration) {
        *self.skew.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Clocks that are equally far from the same one are one clock, as long as none of them jumps.
fn id(inner: &dyn Clock, side: &str, by: Duration) -> ClockId {
    if by.is_zero() {
        return inner.id();
    }
    #[expect(clippy::expect_used, reason = "a name is never so long that a few digits are too much")]
    ClockId::new(format!("{}:{}ns-{side}", inner.id(), by.as_nanos())).expect("a valid name")
}

#[async_trait]
impl Clock for SkewedClock {
    fn now(&self) -> Timestamp {
        let (ahead, behind) = self.skew();
        (self.inner.now() + ahead).saturating_sub(behind)
    }

    async fn sleep_until(&self, at: Timestamp) {
        let left = at.since(self.now());
        if !left.is_zero() {
            self.inner.sleep_until(self.inner.now() + left).await;
        }
    }

    fn id(&self) -> ClockId {
        self.id.clone()
    }
}
