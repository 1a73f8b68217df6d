//! Everything a test of a rollout needs: virtual time, a fleet, a router and an image catalog in memory, conformance
//! suites for backends, and mocks.

pub mod catalog;
pub mod clock;
pub mod conformance;
pub mod fleet;
#[cfg(feature = "mocks")]
pub mod mocks;
pub mod router;

/// Compiles and runs the example of the project's README.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
