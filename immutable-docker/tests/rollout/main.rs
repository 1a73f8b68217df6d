//! Whole rollouts on a real engine behind a real HAProxy, under load:
//! `cargo xtask engine -- cargo test -p immutable-docker --test rollout`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "figures for whoever reads the log")]

mod bad_images;
mod crashes;
mod engine_restart;
mod faults;
mod full_disk;
mod good_images;
mod naive;
mod process;
mod refusals;
mod sleepers;
mod stage;
mod watch;
