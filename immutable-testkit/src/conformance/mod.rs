//! What every backend must do, as tests that a backend runs on itself.
//!
//! Each suite is a module of async functions, one for each case, that are generic over a small harness: how to get at
//! the backend, and how long it may take. The macros [`fleet_conformance!`](crate::fleet_conformance),
//! [`router_conformance!`](crate::router_conformance), [`journal_store_conformance!`](crate::journal_store_conformance)
//! and [`catalog_conformance!`](crate::catalog_conformance) make one `#[test]` of each case. A case that needs what a
//! backend says it cannot do checks that it really cannot, and its test says so.
//!
//! The same cases run on the fakes of this crate in virtual time and on real platforms on a tokio runtime.

pub mod catalog;
pub mod fleet;
pub mod journal_store;
pub mod router;

mod harness;
mod macros;
mod outcome;
mod waiting;

pub use harness::Harness;
pub use outcome::{CaseResult, Outcome, Violation, report};
pub use waiting::within;
