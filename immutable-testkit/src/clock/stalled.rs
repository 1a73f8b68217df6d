use immutable_core::Timestamp;

/// Why a future on a [`VirtualClock`](super::VirtualClock) did not finish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Stalled {
    /// Nothing can ever wake it.
    #[error("deadlock: the future waits and no timer is pending (virtual time {at})")]
    Deadlock {
        /// When that was.
        at: Timestamp,
    },
    /// It would have to wait for longer than it was given.
    #[error("time limit: the future still waits at {limit}; the next timer is due at {next}")]
    TimeLimit {
        /// How long it was given.
        limit: Timestamp,
        /// When it would have gone on.
        next: Timestamp,
    },
    /// It wakes itself again and again while time stands still.
    #[error("livelock: the future was polled {polls} times at {at} without waiting for anything")]
    Livelock {
        /// When that was.
        at: Timestamp,
        /// How often it was polled.
        polls: u64,
    },
}
