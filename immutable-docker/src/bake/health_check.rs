use std::time::Duration;

/// A command that the engine runs in the container to find out whether it is healthy: exit code 0.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HealthCheck {
    /// The program and its arguments; there is no shell in between.
    pub command: Vec<String>,
    /// The pause between two checks, and before the first one. At least 1 ms.
    pub interval: Duration,
    /// After which a check has failed. At least 1 ms.
    pub timeout: Duration,
    /// For how long after the start failures do not count.
    pub start_period: Duration,
    /// How many failures in a row make the container unhealthy. At least 1.
    pub retries: u32,
}

impl HealthCheck {
    /// A check every second with Docker's own defaults for the rest: 30 s timeout, no start period, 3 retries.
    ///
    /// Docker checks every 30 s by default; as an engine says nothing about a container before its first check, no
    /// instance would be ready before that.
    #[must_use]
    pub fn new(command: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            command: command.into_iter().map(Into::into).collect(),
            interval: Duration::from_secs(1),
            timeout: Duration::from_secs(30),
            start_period: Duration::ZERO,
            retries: 3,
        }
    }
}
