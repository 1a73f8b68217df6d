//! The controller of releases: runs the rollouts of many groups in their order, each by a controller of its own.

mod controller;
mod error;
mod guard;
mod leg;
mod run;

pub use controller::ReleaseController;
pub use error::ReleaseRunError;
