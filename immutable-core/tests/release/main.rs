//! Releases of many groups as their users see them. What holds of every release is tested beside the code, in
//! `src/release/properties.rs`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]

mod admission;
mod errors;
mod file;
mod policies;
mod reports;
mod world;
