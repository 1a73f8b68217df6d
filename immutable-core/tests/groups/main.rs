//! Whole releases: many groups, each with a fleet in memory, in virtual time.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]

mod crash;
mod failures;
mod guard;
mod order;
mod plans;
mod world;
