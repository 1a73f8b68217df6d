//! What the examples show rollouts with.
//!
//! - [`progress`]: a live view of a rollout, redrawn on a terminal and plain lines elsewhere; also an example of an
//!   [`EventSink`](immutable_core::event::EventSink).
//!
//! The examples themselves are the programs `quickstart` (in memory), `docker_rolling` (on a Docker engine), `custom_strategy`
//! (a strategy of one's own) and `plan` (what a rollout would do, for people and for tools).

pub mod progress;
