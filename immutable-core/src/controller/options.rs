use std::time::Duration;

/// How the controller paces itself. None of it weakens a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// How often the router and the journal are looked at, and a fleet that announces no changes or has a suspect
    /// member. Default 2 s.
    pub poll: Duration,
    /// How often a fleet that announces its changes is looked at all the same. Default 30 s.
    pub observe_at_least: Duration,
    /// How often the fleet is observed at most. Default 5 ms: changes that come together are seen together,
    /// and of a rollout one by one (a container a time, on an idle engine) 20 ms would be a twentieth of its time.
    pub observe_at_most: Duration,
    /// How often the router is asked whether a leaving instance still has sessions, at first; then after each tenth of the
    /// time it has been leaving. Default 5 ms.
    pub drain_poll: Duration,
    /// The first pause before a failed call is repeated; each further one is twice as long. Default 200 ms.
    pub retry_first: Duration,
    /// The longest such pause. Default 10 s.
    pub retry_most: Duration,
    /// After how many records a checkpoint of the journal is written, at the earliest; a large fleet waits for as many as it
    /// has instances. It spares a successor to read the whole journal, and nothing depends on it. Default 4,096.
    pub checkpoint_after: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            poll: Duration::from_secs(2),
            observe_at_least: Duration::from_secs(30),
            observe_at_most: Duration::from_millis(5),
            drain_poll: Duration::from_millis(5),
            retry_first: Duration::from_millis(200),
            retry_most: Duration::from_secs(10),
            checkpoint_after: 4_096,
        }
    }
}
