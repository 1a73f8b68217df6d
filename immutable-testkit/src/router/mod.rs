//! A router in memory that knows when a request would have failed.

mod memory_router;
mod record;
mod table;

pub use memory_router::MemoryRouter;
pub use record::{Applied, Cut, CutCause, Misrouted, RouterOperation};
