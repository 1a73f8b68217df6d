use serde::{Deserialize, Serialize};

/// Whether an image may be launched.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Status {
    /// In use.
    #[default]
    Active,
    /// Still launched where it runs, but no longer for new rollouts.
    Deprecated {
        /// Why.
        reason: String,
    },
    /// Never launched again.
    Revoked {
        /// Why.
        reason: String,
        /// Whether the images baked on top of it are revoked too.
        descend: bool,
    },
}
