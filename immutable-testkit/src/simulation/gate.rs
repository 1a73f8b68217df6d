use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use immutable_core::error::Retry;
use immutable_core::gate::{
    Gate, GateContext, GateError, Judgement, MetricError, MetricQuery, MetricSource, Sample, Verdict,
};
use immutable_core::{Digest, Seed};

use super::observer::Observer;
use crate::fleet::MemoryFleet;

/// How often an instance is measured.
const PERIOD: Duration = Duration::from_secs(5);
/// How many numbers are enough to judge by.
const ENOUGH: usize = 3;

/// The share of failed requests of every instance: each has its own, around that of its image.
#[derive(Debug)]
pub(super) struct ErrorRates {
    pub(super) fleet: Arc<MemoryFleet>,
    pub(super) bad: BTreeMap<Digest, bool>,
    pub(super) seed: Seed,
}

#[async_trait]
impl MetricSource for ErrorRates {
    async fn read(&self, query: &MetricQuery) -> Result<Vec<Sample>, MetricError> {
        let mut samples = Vec::new();
        for id in &query.instances {
            let Some(instance) = self.fleet.instance(id) else { continue };
            let is_bad = self.bad.get(&instance.image).copied().unwrap_or(false);
            let spread = self.seed.rank(id.as_str().as_bytes()) % 20;
            let value =
                if is_bad { 0.5 } else { 0.01 } + f64::from(u32::try_from(spread).unwrap_or(0)) / 1000.0;
            let mut at = query.from;
            while at < query.until {
                samples.push(Sample { instance: id.clone(), at, value });
                at = at + PERIOD;
            }
        }
        samples.sort_by_key(|sample| sample.at);
        Ok(samples)
    }
}

/// Judges by the mean error rate.
#[derive(Debug)]
pub(super) struct ErrorGate {
    pub(super) metrics: Arc<dyn MetricSource>,
    pub(super) observer: Arc<Observer>,
}

#[async_trait]
impl Gate for ErrorGate {
    async fn evaluate(&self, context: &GateContext) -> Result<Judgement, GateError> {
        let query = MetricQuery::new("errors", context.candidates.clone(), context.since, context.now);
        let samples = self
            .metrics
            .read(&query)
            .await
            .map_err(|source| GateError::new(context.gate.clone(), Retry::Backoff, Box::new(source)))?;
        // What is no number is missing.
        let values: Vec<f64> =
            samples.iter().map(|sample| sample.value).filter(|value| value.is_finite()).collect();
        let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
        let verdict = match () {
            () if context.candidates.is_empty() => Verdict::Pass,
            () if values.len() < ENOUGH => Verdict::Wait,
            () if mean > 0.25 => Verdict::Fail,
            () => Verdict::Pass,
        };
        self.observer.judged(context.gate.clone(), verdict);
        Ok(Judgement::new(verdict, "mean error rate", format!("{mean:.4} of {} samples", values.len())))
    }
}
