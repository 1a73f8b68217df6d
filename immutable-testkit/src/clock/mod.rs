//! Virtual time: hours of rollout in milliseconds, the same each time.

mod nursery;
mod stalled;
mod timers;
mod virtual_clock;

pub use nursery::Nursery;
pub use stalled::Stalled;
pub use virtual_clock::VirtualClock;
