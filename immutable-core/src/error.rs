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

/// An error with its causes in one line, as events and tools show it: `Display` of an error here never repeats its
/// source.
///
/// ```
/// use immutable_core::error::with_causes;
///
/// let error = "x".parse::<immutable_core::Quantity>().unwrap_err();
/// assert_eq!(with_causes(&error), error.to_string());
/// ```
#[must_use]
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
