//! A live view of a rollout: one row for each zone, one character for each slot.

mod board;
mod live;
mod moment;
mod screen;

pub use board::{Board, Cell, Stand};
pub use live::LiveView;
pub use screen::Screen;
