//! The planning engine: one decision kernel, what it reads, and its fold into a whole plan. Pure: the same input gives
//! the same bytes.

#![warn(clippy::wildcard_enum_match_arm)]

mod census;
mod choose;
mod conclusion;
mod decide;
mod due;
mod explain;
mod forecast;
mod member;
mod request;
mod state;
mod transition;

pub use conclusion::{Conclusion, FailReason};
pub use decide::{Decision, decide};
pub use due::{due, next_due};
pub use explain::explain;
pub use member::{Cause, Condition, Member, Observation};
pub use request::{PlanError, PlanRequest};
pub use state::{Direction, IllegalTransition, OpId, OpenOp, RolloutState};
