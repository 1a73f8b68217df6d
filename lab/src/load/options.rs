use std::path::PathBuf;
use std::time::Duration;

/// What load to send. The default is the one all figures of the project were taken with.
#[derive(Debug, Clone)]
pub struct LoadOptions {
    /// Requests a second, half of them by each kind of worker (all of them by one kind when the other has none).
    pub rate: u32,
    /// Workers that reuse their connection: they show connections that are cut under a client.
    pub keep_alive_workers: u32,
    /// Workers that connect for each request: they show a port that refuses.
    pub new_connection_workers: u32,
    /// How long one request may take, from connect to the last byte.
    pub timeout: Duration,
    /// The path to GET.
    pub path: String,
    /// The network namespace to send from; the caller's when `None`.
    pub netns: Option<PathBuf>,
    /// The load ends by itself after this time: no forgotten load runs for ever.
    pub at_most: Duration,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self {
            rate: 200,
            keep_alive_workers: 8,
            new_connection_workers: 8,
            timeout: Duration::from_secs(3),
            path: "/".to_owned(),
            netns: None,
            at_most: Duration::from_secs(600),
        }
    }
}
