use std::fmt;

use serde::{Deserialize, Serialize};

/// What a rollout does when the calendar closes while a stage is not complete.
///
/// Whatever it is: what was begun is brought to its end, so an instance that is starting goes on and one that drains is
/// stopped, and a broken one is replaced, because that is repair and not rollout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OnClose {
    /// Complete the stage outside of the window; the next stage waits for the next opening. For stages that must not
    /// stand half done, such as a switch of traffic.
    Finish,
    /// Stand still where it is and go on at the next opening. The default: the limits hold at every moment of a rollout,
    /// so standing still is safe, and it is the only one of the three that does nothing while nothing may be done.
    #[default]
    Hold,
    /// Go back to the previous image at once, outside of the window. For fleets that must not run two versions overnight.
    Rollback,
}

impl fmt::Display for OnClose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Finish => "finishes the stage",
            Self::Hold => "holds",
            Self::Rollback => "rolls back",
        })
    }
}
