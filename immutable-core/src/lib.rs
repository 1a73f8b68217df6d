//! Temporary root docs.

#[cfg(feature = "controller")]
pub mod controller;
pub mod digest;
pub mod error;
pub mod fleet;
pub mod gate;
pub mod id;
pub mod image;
pub mod journal;
pub mod quantity;
pub mod seed;
pub mod time;

pub use digest::Digest;
pub use id::{
    Attempt, Channel, FleetId, GateName, ImageName, InstanceId, RolloutId, Slot, Token, WriterId, Zone,
};
pub use quantity::Quantity;
pub use seed::Seed;
pub use time::Timestamp;
