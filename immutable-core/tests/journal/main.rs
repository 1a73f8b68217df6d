//! The journal as it is stored: its format for ever, every damage that can be done to it, and its checkpoints.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]
#![allow(clippy::disallowed_methods, reason = "tests of files, threads and processes")]
#![allow(clippy::print_stderr, reason = "figures for whoever reads the log")]

mod checkpoints;
mod damage;
mod disk;
mod golden;
#[allow(dead_code, reason = "some of it is for other tests")]
#[path = "../core/scenario.rs"]
mod scenario;
mod stories;
