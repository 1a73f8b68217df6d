//! What must always hold of the planner, whatever the fleet, the limits, the strategy and everybody else do.
//!
//! A case is a fleet, a rollout and a script of what happens between two decisions: instances die, flap and appear,
//! people resize, retarget, protect, pause, approve and abort. Every act of the kernel is checked by a ledger that keeps
//! its own books of what was recorded and shares no arithmetic with the planner. A failed case is shrunk and printed as
//! the script that shows it.
//!
//! `PROPTEST_CASES` asks for another number of cases than 20,000 of each.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]

#[path = "../strategies/any.rs"]
mod any;
mod books;
mod case;
mod checkpoints;
mod checks;
mod forecasting;
mod generate;
mod ledger;
mod liveness;
mod peers;
mod regressions;
mod replanning;
mod safety;
mod world;
