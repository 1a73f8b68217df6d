use std::num::NonZeroU64;

/// What one container may use at most. Without a limit the engine's own default holds, which is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResourceLimits {
    /// Memory in bytes; the engine refuses less than 6 MiB.
    pub memory_bytes: Option<NonZeroU64>,
    /// CPU time in billionths of a CPU: 500,000,000 is half a CPU.
    pub nano_cpus: Option<NonZeroU64>,
    /// Processes and threads.
    pub pids: Option<NonZeroU64>,
}

impl ResourceLimits {
    /// No limits.
    #[must_use]
    pub const fn unlimited() -> Self {
        Self { memory_bytes: None, nano_cpus: None, pids: None }
    }

    /// Limits the memory, in bytes.
    #[must_use]
    pub const fn with_memory_bytes(mut self, bytes: NonZeroU64) -> Self {
        self.memory_bytes = Some(bytes);
        self
    }

    /// Limits the CPU time, in billionths of a CPU.
    #[must_use]
    pub const fn with_nano_cpus(mut self, nano_cpus: NonZeroU64) -> Self {
        self.nano_cpus = Some(nano_cpus);
        self
    }

    /// Limits the number of processes and threads.
    #[must_use]
    pub const fn with_pids(mut self, pids: NonZeroU64) -> Self {
        self.pids = Some(pids);
        self
    }
}
