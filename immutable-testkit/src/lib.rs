//! Everything a test of a rollout needs: virtual time, a fleet, a router and an image catalog in memory, conformance
//! suites for backends, and mocks.

pub mod catalog;
pub mod clock;
pub mod conformance;
pub mod faulty;
pub mod fleet;
#[cfg(feature = "mocks")]
pub mod mocks;
#[cfg(doctest)]
mod readme;
pub mod router;
pub mod simulation;
