use std::num::NonZeroU32;

/// One rollout to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Case {
    /// How many containers are replaced.
    pub(crate) replicas: NonZeroU32,
    /// How many at a time.
    pub(crate) parallelism: NonZeroU32,
}
