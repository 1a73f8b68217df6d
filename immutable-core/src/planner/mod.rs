//! The planning engine: one decision kernel, what it reads, and its fold into a whole plan. Pure: the same input gives
//! the same bytes.

#![warn(clippy::wildcard_enum_match_arm)]

mod arithmetic;
mod board;
mod conclusion;
mod course;
mod deadlock;
mod decide;
mod due;
mod explain;
mod feasible;
mod forecast;
mod goal;
mod guard;
mod member;
mod named;
mod order;
mod plan_error;
#[cfg(seeded_bugs)]
mod planted;
#[cfg(test)]
mod proof;
mod radix;
mod request;
mod roster;
mod roster_frozen;
mod seating;
mod state;
mod steps;
mod timers;
mod transition;

pub use conclusion::{Conclusion, FailReason};
pub use decide::{Decision, decide};
pub use due::{Due, due, next_due};
pub use explain::explain;
pub use member::{Cause, Condition, Member, Observation};
pub use plan_error::PlanError;
pub use request::PlanRequest;
pub use state::{Direction, IllegalTransition, OpId, OpenOp, RolloutState};
