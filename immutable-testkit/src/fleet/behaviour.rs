use std::time::Duration;

use super::Failure;

/// What instances of an image do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImageBehaviour {
    /// They boot and stay ready.
    Healthy,
    /// They boot and never answer their health check.
    NeverReady,
    /// They never finish booting.
    NeverStarts,
    /// They end by themselves this long after their launch, also while they boot.
    CrashAfter(Duration),
    /// They become ready, and then turn unready and ready again every time this much time has passed.
    FlapsEvery(Duration),
    /// The first launches fail; those after them boot and stay ready.
    LaunchFails {
        /// How many fail.
        times: u32,
        /// How they fail.
        failure: Failure,
    },
}
