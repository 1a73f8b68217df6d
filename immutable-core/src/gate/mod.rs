//! Gates: what must be true before a rollout goes on, and the evidence for it.

#[expect(clippy::module_inception, reason = "the file of the trait `Gate`")]
mod gate;
mod metric;
mod spec;
mod verdict;

pub use gate::{Gate, GateContext, GateError};
pub use metric::{MetricError, MetricQuery, MetricSource, Sample};
pub use spec::GateSpec;
pub use verdict::{Evidence, Judgement, Verdict};
