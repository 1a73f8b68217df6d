use std::fmt;

use immutable_core::Timestamp;

/// What must always hold; the numbers are those of the design.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Property {
    /// S1: nobody takes out of service what leaves fewer than N−u, and without faults there never are fewer.
    Available,
    /// S2: no more than N+s exist, but for those that others launched.
    Total,
    /// S3: no zone has more than it may.
    Zone,
    /// S4: one launch for each slot and attempt.
    LaunchedOnce,
    /// S5: no effect without a committed intent.
    Intended,
    /// S6: nothing is launched after an abort, in a pause, or of an image that was revoked.
    Ended,
    /// S7: no more versions at once than are allowed.
    Versions,
    /// S8: who leads is replaced last.
    Order,
    /// S9: whoever is protected stays.
    Protected,
    /// S10: at the end, nothing is there that nobody knows.
    Orphan,
    /// S11: no traffic to what was not ready for the minimum time.
    Traffic,
    /// S12: nothing is terminated that still serves.
    Serving,
    /// S13: no more of the new image than the gates passed so far allow.
    Gates,
    /// Nothing is launched faster than the limits allow.
    Rate,
    /// L1: when faults stop, the fleet becomes what was declared.
    Declared,
    /// L3: within a bounded time.
    Bounded,
    /// The journal is a chain of whole commits, and no controller finds its own library at fault.
    Journal,
    /// The end and the effects of each slot are those of the same rollout without faults, if those only delay.
    SameAsWithout,
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Available => "S1 available",
            Self::Total => "S2 total",
            Self::Zone => "S3 zone",
            Self::LaunchedOnce => "S4 launched once",
            Self::Intended => "S5 intended",
            Self::Ended => "S6 ended",
            Self::Versions => "S7 versions",
            Self::Order => "S8 order",
            Self::Protected => "S9 protected",
            Self::Orphan => "S10 orphan",
            Self::Traffic => "S11 traffic",
            Self::Serving => "S12 serving",
            Self::Gates => "S13 gates",
            Self::Rate => "launch rate",
            Self::Declared => "L1 declared",
            Self::Bounded => "L3 bounded",
            Self::Journal => "journal",
            Self::SameAsWithout => "same as without faults",
        })
    }
}

/// A property that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub property: Property,
    /// When.
    pub at: Timestamp,
    /// What was seen.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}: {}", self.property, self.at, self.what)
    }
}
