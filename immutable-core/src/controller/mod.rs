//! The controller: the only part that waits, sleeps and acts.

mod clock;

pub use clock::{Clock, SystemClock};
