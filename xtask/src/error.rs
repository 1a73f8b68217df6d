use std::error::Error;
use std::fmt::Write;
use std::io;

use immutable_lab::LabError;

/// Why a command of this crate failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum XtaskError {
    #[error("{what}")]
    Io {
        what: String,
        #[source]
        source: io::Error,
    },
    #[error("`{command}` ended with {status}")]
    Failed { command: String, status: String },
    #[error("interrupted")]
    Interrupted,
    #[error("the lab failed")]
    Lab(#[from] LabError),
    #[error("missing: {missing}; {reason}, so install them yourself")]
    MissingPrograms { missing: String, reason: &'static str },
    #[error("IMMUTABLE_DOCKER_HOST={0:?} names no Unix socket (unix:///path or /path)")]
    DockerHost(String),
    #[error("there is no check {name:?}; there are: {known}")]
    UnknownCheck { name: String, known: String },
    #[error("{} finding(s):\n  {}", .0.len(), .0.join("\n  "))]
    Findings(Vec<String>),
    #[error("{from} said something unexpected: {what}")]
    Unexpected { from: &'static str, what: String },
}

impl XtaskError {
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }

    /// The error with all its causes, on one line where each is one.
    pub(crate) fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            let _ = write!(text, ": {error}");
            cause = error.source();
        }
        text
    }
}
