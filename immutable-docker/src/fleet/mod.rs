//! The fleet: one service's containers on one engine.

mod check;
mod docker_fleet;
mod engine;
mod launch;
mod terminate;

pub use docker_fleet::DockerFleet;
pub(crate) use engine::Engine;
