//! Strategies: what a rollout should look like, as a pure function to a list of stages.

mod rolling;
mod stage;
#[expect(clippy::module_inception, reason = "the file of the trait `RolloutStrategy`")]
mod strategy;

pub use rolling::Rolling;
pub use stage::Stage;
pub use strategy::{RolloutStrategy, StrategyContext, StrategyError};
