//! A fleet, and what is asked of it.

use immutable_core::fleet::{Health, Instance, Phase, Snapshot};
use immutable_core::limits::Limits;
use immutable_core::planner::PlanRequest;
use immutable_core::{Digest, FleetId, InstanceId, Quantity, RolloutId, Timestamp, Zone};

pub(crate) const NOW: Timestamp = Timestamp::UNIX_EPOCH;

pub(crate) fn v(version: u32) -> Digest {
    Digest::of(format!("v{version}").as_bytes())
}

pub(crate) fn zones(names: &[&str]) -> Vec<Zone> {
    names.iter().map(|name| Zone::new(*name).unwrap()).collect()
}

pub(crate) fn id(number: u32) -> InstanceId {
    InstanceId::new(format!("i-{number}")).unwrap()
}

pub(crate) fn rollout(name: &str) -> RolloutId {
    RolloutId::new(name).unwrap()
}

pub(crate) const fn count(count: u32) -> Quantity {
    Quantity::Count(count)
}

pub(crate) const fn percent(percent: u32) -> Quantity {
    Quantity::Percent(percent)
}

/// A ready one of `v1`, in turn in the zones `a` and `b`.
pub(crate) fn instance(number: u32) -> Instance {
    let zone = zones(&["a", "b"]).remove(if number.is_multiple_of(2) { 0 } else { 1 });
    Instance::new(id(number), v(1), zone, Phase::Running(Health::Ready), NOW)
}

/// So many ready ones of `v1`.
pub(crate) fn fleet(number: u32) -> Snapshot {
    named("web", number)
}

pub(crate) fn named(name: &str, number: u32) -> Snapshot {
    Snapshot::new(FleetId::new(name).unwrap(), NOW, 0, (0..number).map(instance).collect())
}

/// So many more and fewer.
pub(crate) fn limits(max_surge: Quantity, max_unavailable: Quantity) -> Limits {
    Limits { max_surge, max_unavailable, ..Limits::default() }
}

/// Four of `v2` in two zones, with one extra one allowed.
pub(crate) fn request() -> PlanRequest {
    of(4)
}

/// So many of `v2`.
pub(crate) fn of(desired: u32) -> PlanRequest {
    PlanRequest::new(rollout("deploy-3"), v(2), desired)
        .limits(limits(count(1), count(0)))
        .zones(zones(&["a", "b"]))
}
