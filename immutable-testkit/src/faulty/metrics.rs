use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use immutable_core::Timestamp;
use immutable_core::controller::Clock;
use immutable_core::error::Retry;
use immutable_core::gate::{MetricError, MetricQuery, MetricSource, Sample};
use serde::{Deserialize, Serialize};

use super::{FaultKind, Tally};

/// What is wrong with metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MetricFault {
    /// The source does not answer.
    Unreachable,
    /// The newest minute is missing.
    Late,
    /// There are none.
    Missing,
    /// Half of them are no numbers.
    NotANumber,
}

/// A source of metrics that fails, is late, or answers nonsense.
#[derive(Debug)]
pub struct FaultyMetrics {
    inner: Arc<dyn MetricSource>,
    clock: Arc<dyn Clock>,
    tally: Tally,
    fault: Mutex<Option<(MetricFault, Timestamp)>>,
}

impl FaultyMetrics {
    /// A source without faults so far.
    #[must_use]
    pub fn new(inner: Arc<dyn MetricSource>, clock: Arc<dyn Clock>, tally: Tally) -> Self {
        Self { inner, clock, tally, fault: Mutex::default() }
    }

    /// It suffers from this until then.
    pub fn suffer(&self, fault: MetricFault, until: Timestamp) {
        *self.lock() = Some((fault, until));
    }

    /// No faults any more.
    pub fn heal(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> MutexGuard<'_, Option<(MetricFault, Timestamp)>> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl MetricSource for FaultyMetrics {
    async fn read(&self, query: &MetricQuery) -> Result<Vec<Sample>, MetricError> {
        let now = self.clock.now();
        let fault = self.lock().filter(|(_, until)| now < *until);
        let Some((fault, _)) = fault else { return self.inner.read(query).await };
        self.tally.met(FaultKind::Metrics);
        let mut samples = match fault {
            MetricFault::Unreachable => {
                let source = "injected: not reached".into();
                return Err(MetricError::new(query.metric.clone(), Retry::Backoff, source));
            }
            MetricFault::Late | MetricFault::Missing | MetricFault::NotANumber => {
                self.inner.read(query).await?
            }
        };
        match fault {
            MetricFault::Missing => samples.clear(),
            MetricFault::Late => {
                samples.retain(|sample| sample.at + std::time::Duration::from_secs(60) <= query.until);
            }
            MetricFault::NotANumber => {
                samples.iter_mut().step_by(2).for_each(|sample| sample.value = f64::NAN);
            }
            MetricFault::Unreachable => {}
        }
        Ok(samples)
    }
}
