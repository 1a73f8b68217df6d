//! The strategies as pure functions: what holds for every one of them whatever the fleet, the limits and their own
//! fields are, and what they say when they cannot do their work.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]

mod any;
mod errors;
mod files;
mod model;
mod plans;
mod properties;
mod replaced;
mod stages;
