//! Tests of the core as its users see it.

mod cases;
mod crash;
mod rollout;
mod scenario;
