//! The fleet in numbers: all that a decision reads of it, kept along with every change, so that a decision costs what it
//! decides and not what the fleet counts. Names are elsewhere.

#[expect(clippy::module_inception, reason = "the file of the type `Board`")]
mod board;
mod cell;
mod class;
mod cohorts;
mod counts;
mod founding;
mod frozen;
mod places;
mod rank_set;
mod span;
mod tally;
mod traits;

pub(super) use board::Board;
pub(super) use cell::{Cell, CellId, Phase};
pub(super) use class::Class;
pub(super) use cohorts::Cohorts;
pub(super) use counts::Counts;
pub(super) use founding::Founding;
pub(super) use places::Places;
pub(super) use span::Span;
pub(super) use tally::Tally;
