use std::fmt::Debug;

use immutable_core::{InstanceId, Timestamp};

/// Who is told, at the moment it happens, that an instance takes no requests any more. Called with the fleet locked.
pub(crate) trait Witness: Debug + Send + Sync {
    /// The instance began to stop (`on_request`) or ended by itself.
    fn ended(&self, instance: &InstanceId, at: Timestamp, on_request: bool);
}
