//! The controller: the only part that waits, sleeps and acts. At every turn it observes, commits what it saw and what
//! it will do, and only then does it.

#![expect(
    clippy::disallowed_methods,
    reason = "the controller is where the outside begins: its clock, and its own name"
)]

mod act;
mod backoff;
mod clock;
mod conclude;
mod control;
#[expect(clippy::module_inception, reason = "the file of the type `Controller`")]
mod controller;
mod error;
mod judge;
mod options;
mod perform;
mod pulse;
mod release;
mod route;
mod run;

pub use clock::{Clock, SystemClock};
pub use control::{ControlHandle, send_control, send_release_control};
pub use controller::Controller;
pub use error::ControllerError;
pub use options::Options;
pub use release::{ReleaseController, ReleaseRunError};
