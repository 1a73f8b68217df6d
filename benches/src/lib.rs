//! What more than one benchmark measures.

#![expect(clippy::unwrap_used, reason = "a benchmark fails by a panic")]

pub mod tiers;
