//! Who watches a simulation: books of its own, kept from what is stored in the journal and what happens to fleet and
//! router, and the properties they must have. Nothing here asks the controller or the kernel what they think.

mod books;
#[expect(clippy::module_inception, reason = "the file of the observer")]
mod observer;
mod property;

pub(super) use observer::{Observer, WatchedStore};
pub use property::{Property, Violation};
