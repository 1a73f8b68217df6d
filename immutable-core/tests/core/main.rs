//! Tests of the core as its users see it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]
#![allow(clippy::disallowed_methods, reason = "tests measure real time, for whoever reads the log")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "figures for whoever reads the log")]

mod calendar;
mod calendar_oracle;
mod clocks;
mod course;
mod crash;
mod deadlock;
mod folder;
mod golden;
mod journal;
mod kernel;
mod limits;
mod lint;
mod meanwhile;
mod plans;
mod refused;
mod requests;
mod rollout;
mod scenario;
mod store_faults;
mod transitions;
