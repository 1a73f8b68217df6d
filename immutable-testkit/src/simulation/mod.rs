//! A whole world in virtual time, from one seed, in which everything goes wrong that can: the real controller and the
//! real planner must keep every promise in it.
//!
//! A run has two phases. In the *chaos* the faults of a [`Schedule`] happen, while an observer with books of its own holds
//! every commit and every effect against the [properties](Property). Then everything is made *good*, and within a bounded
//! time the fleet must be what was declared, or what it was before.
//!
//! ```
//! use immutable_testkit::simulation::Simulation;
//!
//! let report = Simulation::seeded(7).run();
//! assert!(report.violation.is_none(), "{report}");
//! assert_eq!(report.digest, Simulation::seeded(7).run().digest);
//! ```
//!
//! The world and what goes wrong in it can be told in every detail, and are plain data:
//!
//! ```
//! use std::time::Duration;
//!
//! use immutable_core::planner::Conclusion;
//! use immutable_testkit::simulation::{Fault, Flaw, Schedule, Setup, Simulation};
//!
//! let mut setup = Setup::default();
//! setup.flaw = Flaw::NeverReady;
//! let crash = Fault::Crash { process: 0, calls: 2, done: true };
//! let schedule = Schedule::new().fault(Duration::from_secs(20), crash);
//! let report = Simulation::of(setup, schedule).run();
//! assert!(matches!(report.conclusion, Some(Conclusion::RolledBack { .. })), "{report}");
//! ```

mod campaign;
mod dice;
mod drama;
mod fault;
mod gate;
mod inject;
mod link;
mod observer;
mod report;
mod schedule;
mod setup;
mod shrink;
#[expect(clippy::module_inception, reason = "the file of the type `Simulation`")]
mod simulation;
mod trace;
mod verdict;
mod world;

pub use campaign::{Campaign, Tallied};
pub use fault::{Fault, For};
pub use observer::{Property, Violation};
pub use report::Report;
pub use schedule::{Rates, Schedule, Scheduled};
pub use setup::{Flaw, Setup};
pub use simulation::Simulation;

use dice::Dice;
