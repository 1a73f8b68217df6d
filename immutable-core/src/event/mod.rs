//! Events: what observers see of a rollout. Progress bars, reports and metrics are consumers of them.

#[expect(clippy::module_inception, reason = "the file of the type `Event`")]
mod event;
mod sink;

pub use event::{Event, EventKind};
pub use sink::{EventSink, NoSink};
