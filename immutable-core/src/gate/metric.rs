use std::fmt::Debug;

use async_trait::async_trait;

use crate::error::{Retry, Source};
use crate::id::InstanceId;
use crate::time::Timestamp;

/// What to read from a source of metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetricQuery {
    /// The metric, in the words of the source.
    pub metric: String,
    /// The instances to read it of.
    pub instances: Vec<InstanceId>,
    /// From when on (inclusive).
    pub from: Timestamp,
    /// Until when (exclusive).
    pub until: Timestamp,
}

impl MetricQuery {
    /// This metric of these instances between two times.
    #[must_use]
    pub fn new(
        metric: impl Into<String>,
        instances: Vec<InstanceId>,
        from: Timestamp,
        until: Timestamp,
    ) -> Self {
        Self { metric: metric.into(), instances, from, until }
    }
}

/// One value of one instance.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The instance.
    pub instance: InstanceId,
    /// When it was measured.
    pub at: Timestamp,
    /// The value; sources do deliver NaN, and a judge must treat it as missing.
    pub value: f64,
}

/// Reads metrics of instances.
#[async_trait]
pub trait MetricSource: Debug + Send + Sync {
    /// The samples of the query, in order of time. Late or missing samples are simply not there.
    ///
    /// # Errors
    /// [`MetricError`].
    async fn read(&self, query: &MetricQuery) -> Result<Vec<Sample>, MetricError>;
}

/// Why no samples were read.
#[derive(Debug, thiserror::Error)]
#[error("metric `{metric}` could not be read")]
#[non_exhaustive]
pub struct MetricError {
    /// The metric.
    pub metric: String,
    /// Whether another try can help.
    pub retry: Retry,
    /// Why.
    #[source]
    pub source: Source,
}

impl MetricError {
    /// This metric could not be read for this reason.
    #[must_use]
    pub fn new(metric: impl Into<String>, retry: Retry, source: Source) -> Self {
        Self { metric: metric.into(), retry, source }
    }
}
