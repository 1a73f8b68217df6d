use std::fmt::Debug;

use immutable_core::{InstanceId, Timestamp};

use super::Effect;

/// Who is told, at the moment it happens, what happens to a fleet. Called with the fleet locked.
pub(crate) trait Witness: Debug + Send + Sync {
    /// The instance began to stop (`on_request`) or ended by itself.
    fn ended(&self, instance: &InstanceId, at: Timestamp, on_request: bool) {
        let _ = (instance, at, on_request);
    }

    /// The instance is ready, and was not a moment ago.
    fn became_ready(&self, instance: &InstanceId) {
        let _ = instance;
    }

    /// Something happened.
    fn happened(&self, effect: &Effect) {
        let _ = effect;
    }
}
