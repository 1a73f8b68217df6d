use std::time::Duration;

use jiff::fmt::serde::unsigned_duration::friendly::compact::required as friendly;
use serde::{Deserialize, Serialize};

/// How a call is done of which its caller knows nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Ambiguity {
    /// It is done, and an error says that it may not be.
    AnswerLost,
    /// An error says that it may not be done, and it is done later, when its caller may be gone.
    Late {
        /// How much later.
        #[serde(with = "friendly")]
        by: Duration,
    },
    /// It is done, answered, and done once more.
    Twice {
        /// After which time.
        #[serde(with = "friendly")]
        after: Duration,
    },
}
