use crate::id::Zone;

/// What a fleet can do. The controller asks before it relies on it; conformance suites select their cases by it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// [`Fleet::changed`](super::Fleet::changed) returns when something changed. Without it the controller observes at
    /// its poll interval.
    pub events: bool,
    /// [`Fleet::drain`](super::Fleet::drain) tells the instance something; without it the call does nothing.
    pub drain: bool,
    /// The zones instances can be launched in; never empty.
    pub zones: Vec<Zone>,
    /// How many requests one call shall take at most. 1 where a platform takes them one by one anyway: the results of a
    /// batch come together, so a slow one would hold back the others.
    pub max_batch: usize,
    /// The platform picks the victim itself when told to remove an instance, as by lowering a size: every removal is then
    /// charged as if it took a healthy one.
    pub picks_victim: bool,
}

impl Capabilities {
    /// A fleet in these zones with no further capabilities and no limit on the size of a batch.
    #[must_use]
    pub const fn new(zones: Vec<Zone>) -> Self {
        Self { events: false, drain: false, zones, max_batch: usize::MAX, picks_victim: false }
    }
}
