//! How a [`DockerFleet`](crate::DockerFleet) runs its containers.

mod environment;
mod fleet;
mod hardening;
mod limits;
mod readiness;
mod socket;

pub(crate) use environment::Environment;
pub use fleet::DockerFleetConfig;
pub use hardening::{Hardening, Restart};
pub use limits::ResourceLimits;
pub use readiness::{HttpProbe, Readiness};
pub(crate) use socket::engine_socket;
