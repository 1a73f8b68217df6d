//! Temporary root docs.

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
pub mod seed;
#[cfg(feature = "controller")]
pub mod store;
pub mod strategy;
pub mod time;

pub use digest::Digest;
pub use id::{
    Attempt, Channel, FleetId, GateName, ImageName, InstanceId, RolloutId, Slot, Token, WriterId, Zone,
};
pub use quantity::Quantity;
pub use seed::Seed;
pub use time::Timestamp;
