use std::error::Error;
use std::fmt::Write;
use std::io;
use std::time::Duration;

use immutable_core::controller::ControllerError;
use immutable_core::fleet::FleetError;
use immutable_core::image::BakeError;
use immutable_core::planner::{Conclusion, PlanError};
use immutable_docker::bake::ArchiveError;
use immutable_lab::LabError;

/// Why there is no measurement.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BenchError {
    #[error("{what}")]
    Io {
        what: String,
        #[source]
        source: io::Error,
    },
    #[error("`{command}` ended with {status}:\n{output}")]
    Failed { command: String, status: String, output: String },
    #[error("interrupted")]
    Interrupted,
    #[error("the lab failed")]
    Lab(#[from] LabError),
    #[error(
        "unset {variable}: the benchmark makes a swarm and removes all containers, so it needs a private engine"
    )]
    ForeignEngine { variable: &'static str },
    #[error("an image cannot be baked")]
    Archive(#[from] ArchiveError),
    #[error("an image cannot be loaded")]
    Bake(#[from] BakeError),
    #[error("the fleet failed")]
    Fleet(#[from] FleetError),
    #[error("there is no plan")]
    Plan(#[from] PlanError),
    #[error("the rollout failed")]
    Controller(#[from] ControllerError),
    #[error("the rollout ended with {0:?}")]
    Conclusion(Box<Conclusion>),
    #[error("{what} did not come within {within:?}")]
    Overdue { what: String, within: Duration },
    #[error("{from} said something unexpected: {what}")]
    Unexpected { from: &'static str, what: String },
}

impl BenchError {
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }

    pub(crate) fn unexpected(from: &'static str, what: impl ToString) -> Self {
        Self::Unexpected { from, what: what.to_string() }
    }
}

/// The error with all its causes.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}
