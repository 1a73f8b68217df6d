use serde::{Deserialize, Serialize};

use crate::limits::Budget;
use crate::strategy::Share;

/// What keeps a service in service over all its groups: so much of its desired capacity serves at every moment.
///
/// With `D` the desired instances of all groups together, at least `⌈min_share · D⌉` serve, and at least one when `D > 0`:
/// a fraction rounds up, because a floor that rounds down is lower than what was asked for, and a service of which nothing
/// serves is not guarded at all.
///
/// It is a law, not a step: it holds for a rollout, for a way back and for a removal alike. Faults may bring a service
/// below its share; then no instance that serves may leave it. What does not serve may always go, since nothing is lost by
/// it.
///
/// After Spinnaker's `TrafficGuard`, which differs in four ways: it compares with what serves now, so that a service can be
/// taken down in halves; it refuses what would end exactly at the ratio, where here the share is what must serve; it reads
/// a ratio outside of 0 to 0.5 as 0, where [`Share`] is an error above 100; and groups of a pinned size may get around it.
///
/// ```
/// use immutable_core::release::{Capacity, TrafficGuard};
/// use immutable_core::strategy::Share;
///
/// let guard = TrafficGuard::new(Share::new(75).unwrap());
/// let (eu, us) = (Capacity::new(10, 10), Capacity::new(5, 4));
/// assert_eq!(guard.min_serving(10 + 5), 12, "75% of 15 is 11.25");
///
/// let mut spare = guard.spare([eu, us]);
/// assert_eq!(spare.left(), 2, "14 serve");
/// assert_eq!(spare.take(eu), 2, "eu may take both");
/// assert_eq!(spare.take(us), 0, "so nothing is left for us");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TrafficGuard {
    /// The least share of the desired capacity that serves, in hundredths.
    pub min_share: Share,
}

/// What a group has in service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Capacity {
    /// How many instances it shall have.
    pub desired: u32,
    /// How many are available and get traffic. One that is intended to leave does not count any more, so that no instance
    /// is given away twice.
    pub serving: u32,
    /// How many it keeps in service by its own limits; see [`Budget::min_available`].
    pub min_available: u32,
    /// How many instances more than desired it may have. With any, it can launch first and needs nothing to leave service.
    pub max_surge: u32,
}

impl Capacity {
    /// A group that would take all of its instances out of service if nothing forbade it, and that may not launch first.
    #[must_use]
    pub const fn new(desired: u32, serving: u32) -> Self {
        Self { desired, serving, min_available: 0, max_surge: 0 }
    }

    /// A group with these limits.
    #[must_use]
    pub const fn within(budget: &Budget, serving: u32) -> Self {
        Self {
            desired: budget.desired,
            serving,
            min_available: budget.min_available(),
            max_surge: budget.max_surge,
        }
    }

    /// The group, keeping this many in service by its own limits.
    #[must_use]
    pub const fn min_available(mut self, instances: u32) -> Self {
        self.min_available = instances;
        self
    }

    /// The group, with this many instances more than desired allowed.
    #[must_use]
    pub const fn max_surge(mut self, instances: u32) -> Self {
        self.max_surge = instances;
        self
    }

    /// What its own limits let it take out of service now.
    pub(super) const fn wanted(self) -> u32 {
        self.serving.saturating_sub(self.min_available)
    }

    /// What it has in service beyond what it shall have. It will go soon, so it is no capacity that others may count on,
    /// and its leaving costs nothing.
    const fn surplus(self) -> u32 {
        self.serving.saturating_sub(self.desired)
    }
}

/// What may leave service now, over all groups of a service; it becomes less as groups take of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spare {
    left: u64,
}

impl TrafficGuard {
    /// A guard that keeps this share of the desired capacity in service, and at least one instance.
    #[must_use]
    pub const fn new(min_share: Share) -> Self {
        Self { min_share }
    }

    /// How many of so many desired instances serve at every moment: the share, rounded up, and at least one if any is
    /// desired.
    #[must_use]
    pub const fn min_serving(self, desired: u64) -> u64 {
        let hundredths = self.min_share.hundredths() as u64;
        // Whole hundreds apart, so that no product overflows.
        let least = (desired / 100) * hundredths + ((desired % 100) * hundredths).div_ceil(100);
        if least == 0 && desired > 0 { 1 } else { least }
    }

    /// What may leave service now, over all groups of the service. Each group counts with what serves, at most with what
    /// it shall have.
    pub fn spare(self, groups: impl IntoIterator<Item = Capacity>) -> Spare {
        let (mut desired, mut serving) = (0_u64, 0_u64);
        for group in groups {
            desired = desired.saturating_add(u64::from(group.desired));
            serving = serving.saturating_add(u64::from(group.serving.min(group.desired)));
        }
        Spare { left: serving.saturating_sub(self.min_serving(desired)) }
    }
}

impl Spare {
    /// How many instances may still leave service, apart from what groups have beyond their desired number.
    #[must_use]
    pub const fn left(self) -> u64 {
        self.left
    }

    /// How many instances this group may take out of service now: what its own limits allow, at most its surplus and what
    /// is left.
    #[must_use]
    pub fn allowance(self, group: Capacity) -> u32 {
        let most = u64::from(group.surplus()).saturating_add(self.left);
        // More than a `u32` holds is more than any group wants.
        u32::try_from(most).unwrap_or(u32::MAX).min(group.wanted())
    }

    /// Gives this group its [allowance](Self::allowance), so that no other gets the same.
    ///
    /// `serving` less the allowance is the floor that the group must keep besides its own limits.
    pub fn take(&mut self, group: Capacity) -> u32 {
        let taken = self.allowance(group);
        self.left -= u64::from(taken.saturating_sub(group.surplus()));
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(share: u8) -> TrafficGuard {
        TrafficGuard::new(Share::new(share).unwrap())
    }

    #[test]
    fn a_fraction_rounds_up_and_one_always_serves() {
        for (share, desired, expected) in [
            (0, 0, 0),
            (0, 1, 1),
            (0, 1_000, 1),
            (50, 1, 1),
            (50, 3, 2),
            (75, 100, 75),
            (75, 101, 76),
            (99, 1_000, 990),
            (100, 7, 7),
            (100, u64::MAX, u64::MAX),
            (1, u64::MAX, u64::MAX / 100 + 1),
        ] {
            assert_eq!(guard(share).min_serving(desired), expected, "{share}% of {desired}");
        }
    }

    #[test]
    fn surplus_is_no_capacity_for_others_and_costs_nothing() {
        let (surging, other) = (Capacity::new(10, 15), Capacity::new(10, 10));
        let mut spare = guard(90).spare([surging, other]);
        assert_eq!(spare.left(), 2, "20 of 20 count, 18 must serve");
        assert_eq!(spare.allowance(other), 2);
        assert_eq!(spare.take(surging.min_available(10)), 5, "its own limits keep ten");
        assert_eq!(spare.left(), 2);
        assert_eq!(spare.take(surging), 7, "the surplus and all that is left");
        assert_eq!(spare.take(other), 0);
    }

    #[test]
    fn a_service_below_its_share_gives_nothing_away() {
        let mut spare = guard(80).spare([Capacity::new(10, 3), Capacity::new(10, 10)]);
        assert_eq!(spare.left(), 0);
        assert_eq!(spare.take(Capacity::new(10, 10)), 0);
        assert_eq!(spare.take(Capacity::new(10, 12)), 2, "but what it has too many");
    }
}
