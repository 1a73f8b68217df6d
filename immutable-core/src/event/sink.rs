use std::fmt::Debug;

use super::Event;

/// Takes events. Called by the controller between its steps, so it must be quick; a slow consumer puts a queue between.
///
/// A sink of your own is a small type:
///
/// ```
/// use std::sync::Mutex;
/// use immutable_core::event::{Event, EventSink};
///
/// #[derive(Debug, Default)]
/// struct Lines(Mutex<Vec<String>>);
///
/// impl EventSink for Lines {
///     fn emit(&self, event: &Event) {
///         self.0.lock().unwrap().push(format!("{} {event}", event.at));
///     }
/// }
/// ```
pub trait EventSink: Debug + Send + Sync {
    /// Takes one event.
    fn emit(&self, event: &Event);
}

/// Throws events away.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSink;

impl EventSink for NoSink {
    fn emit(&self, _event: &Event) {}
}
