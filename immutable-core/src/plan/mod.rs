//! Plans: the whole predicted rollout, what it waits for, and an independent check of it.

mod bound;
mod deadlock;
mod display;
mod lint;
#[expect(clippy::module_inception, reason = "the file of the type `Plan`")]
mod plan;
mod report;
mod rollback;
mod spec;
mod step;
mod timeline;
mod waiting;

pub use bound::lower_bound;
pub use deadlock::{Deadlock, Relaxation};
pub use lint::{Finding, lint};
pub use plan::{Estimates, Plan, PlannedEvent, PlannedStep};
pub use report::PlanReport;
pub use rollback::RollbackPlan;
pub use spec::{Adopted, OnApart, OnFailure, OnResize, OnRetarget, RolloutSpec};
pub use step::{Seat, Step};
pub use timeline::Timeline;
pub use waiting::WaitingOn;
