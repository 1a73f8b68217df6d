//! Health and change notices, kept by tasks in the background so that no call of the fleet waits for a container.
//!
//! [`Board`] holds what is known of each container and the revision. It is fed by every list of containers, whoever
//! asked for it, by the engine's events (the watcher task) and by HTTP probes (one task for each running container).

mod board;
mod entry;
mod probe;
mod watcher;

pub(crate) use board::Board;
pub(crate) use entry::{Change, Row, RowState};
pub(crate) use watcher::Watcher;
