//! Names and moves in short.

use immutable_core::release::{GroupOutcome, GroupPhase, Release, ReleaseEvent, ReleaseSpec};
use immutable_core::{BarrierName, FleetId};

pub(crate) fn fleet(name: &str) -> FleetId {
    FleetId::new(name).unwrap()
}

pub(crate) fn barrier(name: &str) -> BarrierName {
    BarrierName::new(name).unwrap()
}

/// Three tiers: `db-a`, `db-b`; `api-a`, `api-b`; `web`.
pub(crate) fn tiers() -> ReleaseSpec {
    ReleaseSpec::new().tiers([
        (barrier("data"), vec![fleet("db-a"), fleet("db-b")]),
        (barrier("middle"), vec![fleet("api-a"), fleet("api-b")]),
        (barrier("front"), vec![fleet("web")]),
    ])
}

pub(crate) fn begin(release: &mut Release, group: &str) {
    release.apply(&ReleaseEvent::Begin { group: fleet(group) }).unwrap();
}

pub(crate) fn end(release: &mut Release, group: &str, outcome: GroupOutcome) {
    release.apply(&ReleaseEvent::End { group: fleet(group), outcome }).unwrap();
}

pub(crate) fn turn_back(release: &mut Release, group: &str) {
    release.apply(&ReleaseEvent::TurnBack { group: fleet(group) }).unwrap();
}

/// Begins these groups and lets them end well.
pub(crate) fn finish(release: &mut Release, groups: &[&str]) {
    for group in groups {
        begin(release, group);
        end(release, group, GroupOutcome::Done);
    }
}

/// Takes these groups back.
pub(crate) fn bring_back(release: &mut Release, groups: &[&str]) {
    for group in groups {
        turn_back(release, group);
        end(release, group, GroupOutcome::RolledBack);
    }
}

pub(crate) fn ready(release: &Release) -> Vec<&str> {
    release.ready().map(FleetId::as_str).collect()
}

pub(crate) fn turning_back(release: &Release) -> Vec<&str> {
    release.turning_back().map(FleetId::as_str).collect()
}

pub(crate) fn phase(release: &Release, group: &str) -> GroupPhase {
    release.phase(&fleet(group)).unwrap()
}
