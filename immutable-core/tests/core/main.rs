//! Tests of the core as its users see it.

mod cases;
mod crash;
mod golden;
mod journal;
mod kernel;
mod lint;
mod plans;
mod rollout;
mod scenario;
