//! What must hold at every moment of a rollout, whatever its strategy says.

mod budget;
mod error;
#[expect(clippy::module_inception, reason = "the file of the type `Limits`")]
mod limits;
mod poison;
mod rate;
mod rollback;

pub use budget::{Budget, ZoneBudget};
pub use error::LimitsError;
pub use limits::Limits;
pub use poison::Poison;
pub use rate::{LaunchRate, Tokens};
pub use rollback::RollbackLimits;
