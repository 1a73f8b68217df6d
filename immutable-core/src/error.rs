//! What every error of a boundary answers: can a retry help?

use std::time::Duration;

/// A boxed cause of an error.
pub type Source = Box<dyn std::error::Error + Send + Sync + 'static>;

/// Whether the same call can succeed later. Apart from *what* went wrong, so that a caller decides to retry without
/// knowing every kind of error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The same call fails again; something must be changed first.
    Never,
    /// The platform said when to come back.
    After(Duration),
    /// Temporary; try again with growing pauses.
    Backoff,
}
