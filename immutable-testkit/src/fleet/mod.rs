//! A fleet in memory: what a platform does, without a platform.

mod behaviour;
mod builder;
mod controls;
mod effect;
mod fault;
mod gauge;
mod machine;
mod memory_fleet;
mod settings;
mod witness;
mod world;

pub use behaviour::ImageBehaviour;
pub use builder::MemoryFleetBuilder;
pub use controls::UnknownInstance;
pub use effect::{Effect, EffectKind};
pub use fault::{Failure, Operation};
pub use gauge::Peaks;
pub use memory_fleet::MemoryFleet;
pub use settings::EffectTime;

pub(crate) use witness::Witness;
