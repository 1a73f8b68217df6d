use serde::{Deserialize, Serialize};

use crate::quantity::Quantity;

/// Other limits for the way back, which is usually in more of a hurry: forward 5 %, back 33 % is common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RollbackLimits {
    /// In place of [`Limits::max_surge`](super::Limits::max_surge).
    pub max_surge: Quantity,
    /// In place of [`Limits::max_unavailable`](super::Limits::max_unavailable).
    pub max_unavailable: Quantity,
}
