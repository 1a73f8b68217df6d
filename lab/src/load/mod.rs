//! A paced, open-loop HTTP load generator.
//!
//! Open-loop: requests become due at a fixed rate whether or not earlier ones were answered, and latency counts from
//! the moment a request was due. A server that stalls cannot slow the load down and so hide the stall.

mod connection;
mod generator;
mod options;
mod report;
mod worker;

pub use generator::Load;
pub use options::LoadOptions;
pub use report::{Failure, FailureKind, Latency, LoadReport, VersionSeen};
