//! A release: the rollouts of many groups, in the order that depends on one another. Pure: the same input gives the same
//! bytes.
//!
//! A *group* is one fleet with its own limits and its own plan; what happens inside it is the [`planner`](crate::planner)'s
//! matter. This module decides which groups may begin and which go back, and how many instances they may take out of
//! service between them.
//!
//! Order is told by [`Barrier`]s, never by pairs of groups: "all of tier 1, then all of tier 2" is one barrier, whatever
//! the size of the tiers, so memory grows with groups + barriers + what was written down, not with its square.
//!
//! - [`ReleaseSpec`] is what a file holds; [`ReleaseSpec::graph`] checks it.
//! - [`Release`] is the state. It changes only through [`Release::apply`]; [`Release::ready`] and
//!   [`Release::turning_back`] say what comes next, [`Release::admit`] the same under the [`TrafficGuard`]s.
//! - [`Release::waiting`] and [`Release::report`] say why a group has not begun.
//! - [`forecast()`] is the same state folded over given durations.
//! - [`ReleasePlan`] is a release with the plan of each of its groups: what is approved and executed.

#![warn(clippy::wildcard_enum_match_arm)]

mod admit;
mod error;
mod event;
mod forecast;
mod graph;
mod list;
mod nearest;
mod order;
mod phase;
mod pinned;
mod plan;
#[cfg(test)]
mod properties;
mod report;
mod spec;
mod state;
mod traffic;
mod transition;
mod waiting;

pub use admit::Admission;
pub use error::{IllegalReleaseEvent, ReleaseError};
pub use event::{GroupOutcome, ReleaseEvent};
pub use forecast::{Forecast, GroupForecast, forecast};
pub use graph::{Node, ReleaseGraph};
pub use list::GroupList;
pub use phase::{GroupPhase, PhaseCounts};
pub use pinned::PinnedRollout;
pub(crate) use plan::way_back;
pub use plan::{ReleasePlan, ReleasePlanError};
pub use report::{BarrierReport, ReleaseReport};
pub use spec::{Barrier, Group, OnGroupFailure, ReleaseSpec, Service};
pub use state::{Heading, Release, ReleaseOutcome};
pub use traffic::{Capacity, Spare, TrafficGuard};
pub use waiting::GroupWaitingOn;
