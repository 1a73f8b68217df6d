/// How an engine is run.
#[derive(Debug, Clone, Default)]
pub struct EngineOptions {
    /// Containers survive a restart of the daemon (`dockerd --live-restore`). Off by default, as with Docker.
    pub live_restore: bool,
}

/// How the daemon is taken down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shutdown {
    /// SIGTERM, as a service manager does it: open calls end, containers are stopped (unless live-restore).
    Graceful,
    /// SIGKILL, as an out-of-memory killer does it: calls are cut in the middle.
    Kill,
}
