//! What goes wrong between a controller and its world: wrappers around any fleet, router, journal store, source of metrics
//! and clock that do to their callers what networks and platforms do. Each is of use on its own; the
//! [simulation](crate::simulation) puts all of them to work.

mod ambiguity;
mod clock;
mod fleet;
mod kind;
mod metrics;
mod router;
mod store;
mod tally;

pub use ambiguity::Ambiguity;
pub use clock::SkewedClock;
pub use fleet::{FaultyFleet, Mishap};
pub use kind::FaultKind;
pub use metrics::{FaultyMetrics, MetricFault};
pub use router::FaultyRouter;
pub use store::{Damage, FaultyStore};
pub use tally::Tally;
