use serde::{Deserialize, Serialize};

/// When an image counts as bad, whatever else is tolerated: it failed so often in so many zones that neither a bad host
/// nor a bad zone explains it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Poison {
    /// So many instances of it failed; at least 1.
    pub failures: u32,
    /// In so many different zones; at least 1, and at most as many as the rollout has.
    pub zones: u32,
}
