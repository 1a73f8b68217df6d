use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::id::GateName;

/// A condition that a stage must meet before the next one begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum GateSpec {
    /// The stage has stood complete for this long. Losing completeness starts the time anew: it only lengthens.
    Bake(Duration),
    /// Somebody approved it by this name.
    Approval(GateName),
    /// The [`Gate`](super::Gate) of this name passes.
    Check(GateName),
}

impl fmt::Display for GateSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bake(duration) => write!(f, "bake for {duration:?}"),
            Self::Approval(name) => write!(f, "approval `{name}`"),
            Self::Check(name) => write!(f, "check `{name}`"),
        }
    }
}
