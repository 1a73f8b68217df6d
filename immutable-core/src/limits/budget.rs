use serde::{Deserialize, Serialize};

/// The limits of one fleet in numbers of instances.
///
/// ```
/// use immutable_core::limits::Limits;
///
/// // 39 % of 10: surge rounds up to 4, unavailable rounds down to 3.
/// let limits = Limits { max_surge: "39%".parse().unwrap(), max_unavailable: "39%".parse().unwrap(), ..Limits::default() };
/// let budget = limits.budget(10).unwrap();
/// assert_eq!((budget.max_total(), budget.min_available()), (14, 7));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Budget {
    /// How many instances the fleet shall have.
    pub desired: u32,
    /// How many more may exist.
    pub max_surge: u32,
    /// How many fewer may be available; at most `desired`.
    pub max_unavailable: u32,
}

impl Budget {
    pub(super) const fn new(desired: u32, max_surge: u32, max_unavailable: u32) -> Self {
        Self { desired, max_surge, max_unavailable }
    }

    /// How many instances may exist at any moment, those that are starting and stopping included.
    #[must_use]
    pub const fn max_total(&self) -> u32 {
        self.desired.saturating_add(self.max_surge)
    }

    /// How many instances must be available at any moment.
    #[must_use]
    pub const fn min_available(&self) -> u32 {
        self.desired - self.max_unavailable
    }
}

/// The limits of one zone in numbers of instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ZoneBudget {
    /// How many instances may exist in it at any moment, those that are starting and stopping included.
    pub max_total: u32,
    /// How many instances must be available in it at any moment.
    pub min_available: u32,
}

impl Budget {
    /// The most instances that one fleet may have: its slots are counted in memory.
    pub const MAX_DESIRED: u32 = 1 << 24;

    /// How many of the desired slots belong to the zone of this index, out of so many: slot `k` belongs to zone `k`
    /// modulo their number.
    #[must_use]
    pub fn slots_in_zone(&self, zone: u32, zones: u32) -> u32 {
        let zones = zones.max(1);
        if zone >= zones { 0 } else { self.desired / zones + u32::from(zone < self.desired % zones) }
    }
}
