use std::time::Duration;

use immutable_core::error::Retry;

use super::address::AdminAddress;

/// What went wrong between the router and HAProxy: the source of a
/// [`RouterError::Platform`](immutable_core::fleet::RouterError::Platform).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HaproxyError {
    /// Nobody listens at the admin address.
    #[error(
        "HAProxy does not answer at {address}: is it running, and does its `global` section say `stats socket {address} level admin`?"
    )]
    Unreachable {
        /// The address.
        address: AdminAddress,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The connection broke; HAProxy may have been restarted.
    #[error("HAProxy closed the admin connection at {address} before it had answered")]
    Closed {
        /// The address.
        address: AdminAddress,
    },
    /// HAProxy took the connection but did not answer in time.
    #[error("HAProxy did not answer at {address} within {after:?}")]
    TimedOut {
        /// The address.
        address: AdminAddress,
        /// The timeout of the configuration.
        after: Duration,
    },
    /// HAProxy did not do it.
    #[error("HAProxy refused `{command}`: {answer}")]
    Refused {
        /// What was sent.
        command: String,
        /// What HAProxy said, word for word.
        answer: String,
    },
    /// The answer is not what this library knows.
    #[error("HAProxy's answer to `{command}` cannot be read: {reason}")]
    Unreadable {
        /// What was sent.
        command: String,
        /// What is odd about the answer.
        reason: String,
    },
}

impl HaproxyError {
    /// Whether the same call can succeed later.
    pub(super) fn retry(&self) -> Retry {
        match self {
            // The socket is there but this user may not open it: nothing changes by itself.
            Self::Unreachable { source, .. } if source.kind() == std::io::ErrorKind::PermissionDenied => {
                Retry::Never
            }
            Self::Unreadable { .. } => Retry::Never,
            _ => Retry::Backoff,
        }
    }
}
