//! A private `dockerd`: its own network namespace, folder and socket, gone without a trace after use.

mod cleanup;
mod daemon;
mod options;
mod watchdog;

pub use daemon::Engine;
pub use options::{EngineOptions, Shutdown};
