//! Reproducible images: what their digest depends on, and that a real engine comes to the same one.
//!
//! The tests of `engine` need the engine of `cargo xtask test`; without it they fail, they never skip.

#![expect(clippy::unwrap_used, reason = "a test whose setup fails must fail")]

mod engine;
mod folder;
mod refusals;
mod reproducible;
