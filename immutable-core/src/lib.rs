//! The core of *immutable*: run servers the immutable way.
//!
//! Bake an image once, name it by its digest, and replace whole instances by it, never patch one. This crate holds what
//! every platform shares: the words, a pure planning engine, a journal that survives a crash of the deploying process at
//! any moment, and the controller that runs a rollout.
//!
//! # The way of the data
//!
//! A [`Fleet`](fleet::Fleet) is observed as a [`Snapshot`](fleet::Snapshot). A
//! [`PlanRequest`](planner::PlanRequest) with [`Limits`](limits::Limits) and a
//! [`RolloutStrategy`](strategy::RolloutStrategy) turns it into a [`Plan`](plan::Plan), which can be shown and
//! [linted](plan::lint). A `Controller` executes it: observe, commit what was seen, decide,
//! commit what will be done, do it. Everything that happens is a [`Record`](journal::Record) in a
//! [`JournalStore`](journal::JournalStore) and an [`Event`](event::Event) for whoever watches.
//!
//! Preview and execution cannot disagree: a plan is the same [`decide`](planner::decide) that the controller asks at
//! every turn, folded over a predicted world.
//!
//! # What always holds
//!
//! Whatever the strategy, the fleet and other processes do: no voluntary act leaves fewer than `desired −
//! max_unavailable` instances available or makes more than `desired + max_surge` exist; nothing is launched twice for
//! one slot and attempt; nothing is done that was not committed first; no instance is stopped while the router still
//! sends it requests.
//!
//! # Layers
//!
//! A module uses only modules above it in this list; below the controller nothing is asynchronous but traits, and
//! nothing reads a clock, draws a random number, logs or does I/O. Without the feature `controller` (on by default) the
//! crate does not even depend on a runtime.
//!
//! | level | modules |
//! |---|---|
//! | 0 | [`digest`], [`time`], [`id`], [`seed`], [`error`], [`quantity`] |
//! | 1 | [`image`] |
//! | 2 | [`fleet`] |
//! | 3 | [`limits`], [`gate`], [`calendar`] |
//! | 4 | [`strategy`] |
//! | 5 | [`plan`] |
//! | 6 | [`planner`] |
//! | 7 | [`release`] |
//! | 8 | [`journal`] |
//! | 9 | [`event`] |
//! | 10 | `controller`, `store` |

#[cfg(not(seeded_bugs))]
#[macro_use]
mod seeded;
#[cfg(seeded_bugs)]
#[macro_use]
pub mod seeded;

pub mod calendar;
#[cfg(feature = "controller")]
pub mod controller;
pub mod digest;
pub mod error;
pub mod event;
pub mod fleet;
pub mod gate;
pub mod id;
pub mod image;
pub mod journal;
pub mod limits;
pub mod plan;
pub mod planner;
pub mod quantity;
pub mod release;
pub mod seed;
#[cfg(feature = "controller")]
pub mod store;
pub mod strategy;
pub mod time;

pub use digest::Digest;
pub use id::{
    Attempt, BarrierName, Channel, ClockId, FleetId, GateName, ImageName, InstanceId, RolloutId, ServiceName,
    Slot, Token, WriterId, Zone,
};
pub use quantity::Quantity;
pub use seed::Seed;
pub use time::{Skew, Timestamp};
