use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use immutable_core::controller::Clock;
use immutable_core::error::Retry;
use immutable_core::fleet::{
    Capabilities, DrainRequest, Fleet, FleetError, LaunchRequest, Launched, Snapshot, TerminateRequest,
    Terminated,
};
use immutable_core::{Digest, FleetId, Seed, Slot, Timestamp, Zone};

use super::{Ambiguity, FaultKind, Tally};
use crate::clock::Nursery;
use crate::fleet::Operation;

/// What a fleet suffers from for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// Every second list is the one that was given before it began.
    Stale,
    /// Lists lack so many of a hundred instances, others each time.
    Torn {
        /// How many of a hundred.
        percent: u8,
    },
    /// Nothing is announced before it ends, and what changes before it ends never is.
    Deaf,
    /// Every call that changes something is to come back after this time.
    Throttled {
        /// When.
        pause: Duration,
    },
    /// What was launched is missing from lists for this long; what was listed stays so.
    Hidden {
        /// Launched since when.
        since: Timestamp,
        /// How long.
        age: Duration,
    },
    /// This zone has no capacity.
    NoCapacity {
        /// The zone.
        zone: Zone,
    },
    /// Launches in this slot fail.
    Refuses {
        /// The slot.
        slot: Slot,
        /// Whether the platform says that it always will, or that another try can help.
        for_good: bool,
    },
}

#[derive(Debug, Default)]
struct Faults {
    mishaps: Vec<(Mishap, Timestamp)>,
    doubts: VecDeque<(Operation, Ambiguity)>,
    last_list: Option<Snapshot>,
    lists: u64,
}

/// A fleet whose platform is late, throttles, has no room, gives bad lists, and does not always say what it did.
///
/// ```
/// use std::time::Duration;
///
/// use immutable_core::fleet::Fleet;
/// use immutable_core::{Digest, FleetId, Timestamp};
/// use immutable_testkit::clock::{Nursery, VirtualClock};
/// use immutable_testkit::faulty::{FaultyFleet, Mishap, Tally};
/// use immutable_testkit::fleet::MemoryFleet;
///
/// let clock = VirtualClock::new(Timestamp::UNIX_EPOCH);
/// let inner = MemoryFleet::builder(FleetId::new("web").unwrap(), clock.shared()).running(9, Digest::of(b"v1")).build();
/// let fleet = FaultyFleet::new(inner, clock.shared(), Tally::new(), Nursery::new());
/// fleet.suffer(Mishap::Torn { percent: 50 }, Timestamp::UNIX_EPOCH + Duration::from_secs(60));
/// assert!(clock.run(fleet.observe()).unwrap().instances.len() < 9);
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(clock.run(fleet.observe()).unwrap().instances.len(), 9);
/// ```
#[derive(Debug)]
pub struct FaultyFleet {
    inner: Arc<dyn Fleet>,
    clock: Arc<dyn Clock>,
    tally: Tally,
    nursery: Nursery,
    faults: Mutex<Faults>,
}

impl FaultyFleet {
    /// A fleet without faults so far. What it does late it does in the nursery.
    #[must_use]
    pub fn new(inner: Arc<dyn Fleet>, clock: Arc<dyn Clock>, tally: Tally, nursery: Nursery) -> Self {
        Self { inner, clock, tally, nursery, faults: Mutex::default() }
    }

    /// It suffers from this until then.
    pub fn suffer(&self, mishap: Mishap, until: Timestamp) {
        self.faults().mishaps.push((mishap, until));
    }

    /// The next calls of this kind are done in this way; those that were asked for earlier come first.
    pub fn blur(&self, operation: Operation, times: u32, ambiguity: Ambiguity) {
        let doubts = std::iter::repeat_n((operation, ambiguity), usize::try_from(times).unwrap_or(0));
        self.faults().doubts.extend(doubts);
    }

    /// No faults any more.
    pub fn heal(&self) {
        let mut faults = self.faults();
        faults.mishaps.clear();
        faults.doubts.clear();
    }

    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first of the present mishaps that is such a one.
    fn meets<T>(&self, is_such: impl Fn(&Mishap, Timestamp) -> Option<T>) -> Option<T> {
        let now = self.clock.now();
        let mut faults = self.faults();
        faults.mishaps.retain(|(_, until)| now < *until);
        faults.mishaps.iter().find_map(|(mishap, until)| is_such(mishap, *until))
    }

    fn doubt(&self, operation: Operation) -> Option<Ambiguity> {
        let mut faults = self.faults();
        let at = faults.doubts.iter().position(|(other, _)| *other == operation)?;
        faults.doubts.remove(at).map(|(_, ambiguity)| ambiguity)
    }

    fn error(&self, action: &'static str, retry: Retry, why: &str) -> FleetError {
        let source = format!("injected: {why}").into();
        FleetError::Platform { fleet: self.inner.id().clone(), action, retry, source }
    }

    fn throttled(&self, action: &'static str) -> Option<FleetError> {
        let pause = self.meets(|mishap, _| match mishap {
            Mishap::Throttled { pause } => Some(*pause),
            _ => None,
        })?;
        self.tally.met(FaultKind::Throttling);
        Some(self.error(action, Retry::After(pause), "too many requests"))
    }

    /// What stands in the way of one launch.
    fn refusal(&self, request: &LaunchRequest) -> Option<FleetError> {
        let fleet = || self.inner.id().clone();
        self.meets(|mishap, _| match mishap {
            Mishap::NoCapacity { zone } if *zone == request.zone => {
                self.tally.met(FaultKind::NoCapacity);
                let reason = format!("injected: zone {zone} is full");
                Some(FleetError::NoCapacity { fleet: fleet(), reason })
            }
            Mishap::Refuses { slot, for_good } if *slot == request.slot => {
                self.tally.met(FaultKind::CursedSlot);
                Some(if *for_good {
                    FleetError::Invalid {
                        fleet: fleet(),
                        reason: format!("injected: nothing starts in {slot}"),
                    }
                } else {
                    self.error("launch", Retry::Backoff, "the host of the slot is broken")
                })
            }
            _ => None,
        })
    }

    /// Makes the call, as the platform feels like.
    async fn call<R: Clone + Send + Sync + 'static, T: Send>(
        &self,
        operation: Operation,
        action: &'static str,
        requests: &[R],
        doing: impl Fn(
            Arc<dyn Fleet>,
            Vec<R>,
        ) -> futures_util::future::BoxFuture<'static, Vec<Result<T, FleetError>>>
        + Send
        + Sync
        + 'static,
    ) -> Vec<Result<T, FleetError>> {
        if self.throttled(action).is_some() {
            return requests.iter().map_while(|_| self.throttled(action).map(Err)).collect();
        }
        let doubt = self.doubt(operation);
        if doubt.is_some() {
            self.tally.met(FaultKind::Ambiguous);
        }
        let all = requests.to_vec();
        let unanswered =
            || requests.iter().map(|_| Err(self.error(action, Retry::Backoff, "no answer"))).collect();
        match doubt {
            None => doing(Arc::clone(&self.inner), all).await,
            Some(Ambiguity::AnswerLost) => {
                doing(Arc::clone(&self.inner), all).await;
                unanswered()
            }
            Some(Ambiguity::Late { by }) => {
                self.later(by, move |inner| doing(inner, all));
                unanswered()
            }
            Some(Ambiguity::Twice { after }) => {
                let answers = doing(Arc::clone(&self.inner), all.clone()).await;
                self.later(after, move |inner| doing(inner, all));
                answers
            }
        }
    }

    fn later<T: Send>(
        &self,
        by: Duration,
        doing: impl FnOnce(Arc<dyn Fleet>) -> futures_util::future::BoxFuture<'static, T> + Send + 'static,
    ) {
        let (inner, clock, at) = (Arc::clone(&self.inner), Arc::clone(&self.clock), self.clock.now() + by);
        self.nursery.spawn(async move {
            clock.sleep_until(at).await;
            doing(inner).await;
        });
    }
}

#[async_trait]
impl Fleet for FaultyFleet {
    fn id(&self) -> &FleetId {
        self.inner.id()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn observe(&self) -> Result<Snapshot, FleetError> {
        let mut list = self.inner.observe().await?;
        let number = {
            let mut faults = self.faults();
            faults.lists += 1;
            faults.lists
        };
        let is_stale = self.meets(|mishap, _| matches!(mishap, Mishap::Stale).then_some(())).is_some();
        if is_stale && number.is_multiple_of(2) {
            if let Some(old) = self.faults().last_list.clone() {
                self.tally.met(FaultKind::StaleList);
                // Under the revision of now, or its reader would be told at once that it is old.
                list.instances = old.instances;
                return Ok(list);
            }
        } else if !is_stale {
            self.faults().last_list = Some(list.clone());
        }
        let torn = self.meets(|mishap, _| match mishap {
            Mishap::Torn { percent } => Some(*percent),
            _ => None,
        });
        if let Some(percent) = torn {
            let seed = Seed::new(number);
            let before = list.instances.len();
            list.instances
                .retain(|instance| seed.rank(instance.id.as_str().as_bytes()) % 100 >= u64::from(percent));
            if list.instances.len() < before {
                self.tally.met(FaultKind::TornList);
            }
        }
        let hidden = self.meets(|mishap, _| match mishap {
            Mishap::Hidden { since, age } => Some((*since, *age)),
            _ => None,
        });
        if let Some((since, age)) = hidden {
            let before = list.instances.len();
            let taken_at = list.taken_at;
            list.instances.retain(|it| it.launched_at < since || taken_at.since(it.launched_at) >= age);
            if list.instances.len() < before {
                self.tally.met(FaultKind::LateListing);
            }
        }
        Ok(list)
    }

    async fn changed(&self, mut since: u64) {
        loop {
            self.inner.changed(since).await;
            let deaf = self.meets(|mishap, until| matches!(mishap, Mishap::Deaf).then_some(until));
            let Some(until) = deaf else { return };
            self.tally.met(FaultKind::MissedEvents);
            self.clock.sleep_until(until).await;
            // A platform that does not say what it shows now goes on with what it announced last.
            since = self.inner.observe().await.map_or(since, |list| list.revision);
        }
    }

    async fn check(&self, image: &Digest) -> Result<(), FleetError> {
        self.inner.check(image).await
    }

    async fn launch(&self, requests: &[LaunchRequest]) -> Vec<Result<Launched, FleetError>> {
        let mut answers: Vec<_> = requests.iter().map(|request| self.refusal(request).map(Err)).collect();
        let admitted: Vec<LaunchRequest> = requests
            .iter()
            .zip(&answers)
            .filter(|(_, refused)| refused.is_none())
            .map(|(request, _)| request.clone())
            .collect();
        if !admitted.is_empty() {
            let launched = self
                .call(Operation::Launch, "launch", &admitted, |fleet, requests| {
                    Box::pin(async move { fleet.launch(&requests).await })
                })
                .await;
            let open = answers.iter_mut().filter(|answer| answer.is_none());
            open.zip(launched).for_each(|(open, answer)| *open = Some(answer));
        }
        answers.into_iter().flatten().collect()
    }

    async fn drain(&self, requests: &[DrainRequest]) -> Vec<Result<(), FleetError>> {
        self.call(Operation::Drain, "drain", requests, |fleet, requests| {
            Box::pin(async move { fleet.drain(&requests).await })
        })
        .await
    }

    async fn terminate(&self, requests: &[TerminateRequest]) -> Vec<Result<Terminated, FleetError>> {
        self.call(Operation::Terminate, "terminate", requests, |fleet, requests| {
            Box::pin(async move { fleet.terminate(&requests).await })
        })
        .await
    }
}
