//! Releases of many groups in tiers, each tier after all groups of the one before.

use std::collections::BTreeMap;
use std::hint::black_box;

use immutable_core::release::{GroupOutcome, Release, ReleaseEvent, ReleaseOutcome, ReleaseSpec};
use immutable_core::{BarrierName, FleetId};

/// So many groups in so many tiers of equal size.
pub fn spec(groups: usize, tiers: usize) -> ReleaseSpec {
    let fleet = |tier, number| FleetId::new(format!("tier-{tier}-group-{number}")).unwrap();
    ReleaseSpec::new().tiers((0..tiers).map(|tier| {
        let fleets = (0..groups / tiers).map(|number| fleet(tier, number)).collect();
        (BarrierName::new(format!("tier-{tier}")).unwrap(), fleets)
    }))
}

/// Checks the order and lets every group begin and end.
pub fn run(spec: &ReleaseSpec) {
    let mut release = Release::open(spec).unwrap();
    while release.outcome().is_none() {
        let ready: Vec<FleetId> = release.ready().cloned().collect();
        for group in &ready {
            release.apply(&ReleaseEvent::Begin { group: group.clone() }).unwrap();
        }
        for group in ready {
            release.apply(&ReleaseEvent::End { group, outcome: GroupOutcome::Done }).unwrap();
        }
    }
    assert_eq!(release.outcome(), Some(ReleaseOutcome::Done));
    black_box(release);
}

/// The least that could do: every name in an ordered map, looked up for its begin and for its end.
pub fn floor_of(spec: &ReleaseSpec) {
    let mut begun: BTreeMap<FleetId, u8> = spec.groups.iter().map(|group| (group.fleet.clone(), 0)).collect();
    for _ in 0..2 {
        for group in &spec.groups {
            *begun.get_mut(&group.fleet).unwrap() += 1;
        }
    }
    black_box(begun);
}
