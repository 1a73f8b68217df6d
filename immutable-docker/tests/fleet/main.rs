//! `DockerFleet` against a real engine: `cargo xtask engine -- cargo test -p immutable-docker --test fleet`.
//!
//! Each test has a fleet name of its own and removes its containers; the engine and the images are shared.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]

mod conformance;
mod cost;
mod launch;
mod outage;
mod readiness;
mod stage;
mod tampering;
mod terminate;
