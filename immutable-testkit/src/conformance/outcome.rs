use std::error::Error;
use std::fmt::{self, Display, Write as _};

use immutable_core::fleet::{FleetError, RouterError};
use immutable_core::image::CatalogError;
use immutable_core::journal::StoreError;

/// What a case found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Outcome {
    /// The backend does what it must.
    Held,
    /// The backend says it cannot do this; whatever could be checked of that was.
    Absent {
        /// What it cannot do.
        capability: &'static str,
    },
}

/// What a backend did that it must not, or the other way round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    message: String,
}

/// The result of a case.
pub type CaseResult = Result<Outcome, Violation>;

impl Violation {
    /// A violation in these words.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }

    fn unexpected(error: &dyn Error) -> Self {
        let mut message = format!("unexpected error: {error}");
        let mut source = error.source();
        while let Some(cause) = source {
            // Writing to a String cannot fail.
            let _ = write!(message, ": {cause}");
            source = cause.source();
        }
        Self { message }
    }
}

impl Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Violation {}

impl From<FleetError> for Violation {
    fn from(error: FleetError) -> Self {
        Self::unexpected(&error)
    }
}

impl From<RouterError> for Violation {
    fn from(error: RouterError) -> Self {
        Self::unexpected(&error)
    }
}

impl From<StoreError> for Violation {
    fn from(error: StoreError) -> Self {
        Self::unexpected(&error)
    }
}

impl From<CatalogError> for Violation {
    fn from(error: CatalogError) -> Self {
        Self::unexpected(&error)
    }
}

/// Demands that something holds.
pub(super) fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), Violation> {
    if holds { Ok(()) } else { Err(Violation::new(otherwise())) }
}

/// Demands that what was seen is what was expected.
pub(super) fn same<T: PartialEq + fmt::Debug>(what: &str, seen: T, expected: T) -> Result<(), Violation> {
    ensure(seen == expected, || format!("{what}: expected {expected:?}, saw {seen:?}"))
}

/// Ends the `#[test]` of a case.
///
/// # Panics
/// With the violation, if there is one.
pub fn report(case: &str, result: CaseResult) {
    match result {
        Ok(Outcome::Held) => {}
        #[expect(
            clippy::print_stderr,
            reason = "a case that does not apply must be visible in the test's output"
        )]
        Ok(Outcome::Absent { capability }) => eprintln!("{case}: the backend has no `{capability}`"),
        #[expect(clippy::panic, reason = "this is how a test fails")]
        Err(violation) => panic!("{case}: {violation}"),
    }
}
