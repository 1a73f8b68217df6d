//! Strategies: what a rollout should look like, as a pure function to a list of stages.

mod order;
mod reason;
mod rolling;
mod share;
mod stage;
#[expect(clippy::module_inception, reason = "the file of the trait `RolloutStrategy`")]
mod strategy;

pub use order::SlotOrder;
pub use reason::{Candidate, Reason};
pub use rolling::Rolling;
pub use share::{InvalidShare, Share};
pub use stage::Stage;
pub use strategy::{RolloutStrategy, StrategyContext, StrategyError};
