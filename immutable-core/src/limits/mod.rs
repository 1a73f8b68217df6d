//! What must hold at every moment of a rollout, whatever its strategy says.

mod budget;
#[expect(clippy::module_inception, reason = "the file of the type `Limits`")]
mod limits;

pub use budget::Budget;
pub use limits::{Limits, LimitsError};
