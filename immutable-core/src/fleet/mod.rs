//! Fleets and routers: what runs, and what sends traffic to it.

mod capabilities;
mod error;
#[expect(clippy::module_inception, reason = "the file of the trait `Fleet`")]
mod fleet;
mod instance;
mod request;
mod route;
mod router;
mod snapshot;

pub use capabilities::Capabilities;
pub use error::{FleetError, RouterError};
pub use fleet::Fleet;
pub use instance::{Health, Instance, Origin, Phase, Standing};
pub use request::{DrainRequest, LaunchRequest, Launched, TerminateRequest, Terminated};
pub use route::{InvalidWeight, Route, RouteChange, RouteState, Weight};
pub use router::Router;
pub use snapshot::Snapshot;
