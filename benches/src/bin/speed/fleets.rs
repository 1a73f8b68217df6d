//! What is planned: groups of one old image, each in so many zones.

use std::sync::Arc;
use std::time::Duration;

use immutable_core::fleet::{Health, Instance, Phase, Snapshot};
use immutable_core::limits::Limits;
use immutable_core::plan::Plan;
use immutable_core::planner::PlanRequest;
use immutable_core::strategy::Rolling;
use immutable_core::{Digest, FleetId, InstanceId, Quantity, RolloutId, Seed, Timestamp, Zone};

pub(crate) fn start() -> Timestamp {
    Timestamp::from_unix(Duration::from_secs(1_800_000_000))
}

pub(crate) fn image(version: u32) -> Digest {
    Digest::of(format!("v{version}").as_bytes())
}

fn zones(count: u32) -> Vec<Zone> {
    (0..count).map(|number| Zone::new(format!("zone-{number}")).unwrap()).collect()
}

/// So many groups of so many instances in six zones, launched over a year.
pub(crate) fn groups(count: u32, size: u32) -> Vec<Snapshot> {
    let (zones, old) = (zones(6), image(1));
    let ages = Seed::new(0).child("ages");
    let instance = |group: u32, number: u32| {
        let id = InstanceId::new(format!("i-{group:04}-{number:07}")).unwrap();
        let zone = zones[number as usize % zones.len()].clone();
        let age =
            Duration::from_secs(ages.rank_number(u64::from(group) << 32 | u64::from(number)) % 31_536_000);
        Instance::new(id, old, zone, Phase::Running(Health::Ready), start().saturating_sub(age))
    };
    let group = |group: u32| {
        let fleet = FleetId::new(format!("group-{group}")).unwrap();
        Snapshot::new(fleet, start(), 0, (0..size).map(|number| instance(group, number)).collect())
    };
    (0..count).map(group).collect()
}

/// A tenth of the group may exist in addition.
pub(crate) fn request(snapshot: &Snapshot) -> PlanRequest {
    let limits = Limits { max_surge: Quantity::Percent(10), ..Limits::default() };
    let size = u32::try_from(snapshot.instances.len()).unwrap();
    PlanRequest::new(RolloutId::new("bench").unwrap(), image(2), size).limits(limits).zones(zones(6))
}

pub(crate) fn plan(snapshot: &Snapshot) -> Plan {
    request(snapshot).plan(snapshot, &Rolling::new()).unwrap()
}

/// The least that could be done to look at the whole of them: a copy in order of zone and age.
pub(crate) fn sorted_copy(snapshot: &Snapshot) -> Vec<Instance> {
    let mut copy: Vec<Instance> =
        snapshot.instances.iter().map(|instance| Instance::clone(instance)).collect();
    copy.sort_by(|a, b| (&a.zone, a.launched_at).cmp(&(&b.zone, b.launched_at)));
    copy
}

/// What any plan has to do at least: look at every instance, share it with the snapshot, and write down its four steps (a
/// launch in a zone, when it is available, a retirement and an end).
pub(crate) fn floor(snapshot: &Snapshot) -> (Vec<(u32, Arc<Instance>)>, Vec<u32>) {
    let mut steps = Vec::with_capacity(snapshot.instances.len() * 5);
    let mut shared = Vec::with_capacity(snapshot.instances.len());
    for (slot, instance) in (0_u32..).zip(&snapshot.instances) {
        let is_old = instance.is_ready() && instance.launched_at < snapshot.taken_at;
        steps.extend([slot % 6, slot, slot, slot, if is_old { slot } else { 0 }]);
        shared.push((slot, Arc::clone(instance)));
    }
    (shared, steps)
}
