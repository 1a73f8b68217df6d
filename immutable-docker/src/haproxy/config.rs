use std::time::Duration;

use super::address::AdminAddress;
use super::name::BackendName;
use super::options::ServerOptions;

/// Which HAProxy and which of its backends a [`HaproxyRouter`](super::HaproxyRouter) works on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HaproxyConfig {
    /// Where HAProxy takes commands.
    pub admin: AdminAddress,
    /// The backend whose servers are added and removed. One router per backend.
    pub backend: BackendName,
    /// How servers are added. A change of it does not reach servers that are there already.
    pub server: ServerOptions,
    /// What draining means for clients that HAProxy holds to their server.
    pub drain: DrainMode,
    /// How long one exchange of commands and answers may take.
    pub timeout: Duration,
    /// How long a detached server may keep connections before the call fails.
    pub detach_timeout: Duration,
}

/// What draining means for clients that a cookie or a stick table holds to their server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DrainMode {
    /// They are sent to another server: a drained server gets nothing new from anybody (state `maint`). Requests and
    /// connections that it has go on.
    #[default]
    Everybody,
    /// They still go to their server (state `drain`), so its sessions may never come to an end. So may requests that
    /// wait in the queue of the backend, under [`ServerOptions::maxconn`].
    ///
    /// This weakens what the library promises of a drained instance: use it only with a drain timeout.
    KeepPersistent,
}

impl HaproxyConfig {
    /// Default [`timeout`](Self::timeout). A command takes HAProxy well under a millisecond; the rest is for a machine
    /// that is out of CPU.
    pub const TIMEOUT: Duration = Duration::from_secs(5);
    /// Default [`detach_timeout`](Self::detach_timeout). Cut sessions and idle connections are usually gone within a
    /// few milliseconds.
    pub const DETACH_TIMEOUT: Duration = Duration::from_secs(5);

    /// A configuration with the default server options and timeouts.
    #[must_use]
    pub fn new(admin: AdminAddress, backend: BackendName) -> Self {
        Self {
            admin,
            backend,
            server: ServerOptions::default(),
            drain: DrainMode::default(),
            timeout: Self::TIMEOUT,
            detach_timeout: Self::DETACH_TIMEOUT,
        }
    }
}
