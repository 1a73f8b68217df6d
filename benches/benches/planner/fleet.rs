//! What is measured: fleets of one old image, their plans, states and journals.

use std::sync::Arc;
use std::time::Duration;

use immutable_core::controller::Controller;
use immutable_core::fleet::{Fleet, Health, Instance, Phase, Snapshot};
use immutable_core::journal::{JournalStore, Key, MemoryStore};
use immutable_core::limits::Limits;
use immutable_core::plan::{Plan, Step};
use immutable_core::planner::{Decision, PlanRequest, RolloutState, decide};
use immutable_core::strategy::Rolling;
use immutable_core::{Digest, FleetId, InstanceId, Quantity, RolloutId, Timestamp, Zone};
use immutable_testkit::clock::VirtualClock;
use immutable_testkit::fleet::{ImageBehaviour, MemoryFleet};
use tokio_util::sync::CancellationToken;

pub(crate) fn rollout() -> RolloutId {
    RolloutId::new("bench").unwrap()
}

pub(crate) fn start() -> Timestamp {
    Timestamp::from_unix(Duration::from_secs(1_800_000_000))
}

pub(crate) fn strategy() -> Rolling {
    Rolling::new()
}

pub(crate) fn image(version: u32) -> Digest {
    Digest::of(format!("v{version}").as_bytes())
}

fn fleet() -> FleetId {
    FleetId::new("web").unwrap()
}

fn zones() -> Vec<Zone> {
    ["a", "b", "c"].map(|name| Zone::new(name).unwrap()).into()
}

pub(crate) fn snapshot(size: u32) -> Snapshot {
    let zones = zones();
    let instance = |number: u32| {
        let id = InstanceId::new(format!("i-{number:06}")).unwrap();
        let zone = zones[number as usize % zones.len()].clone();
        Instance::new(id, image(1), zone, Phase::Running(Health::Ready), Timestamp::UNIX_EPOCH)
    };
    Snapshot::new(fleet(), start(), 0, (0..size).map(instance).collect())
}

/// A tenth of the fleet may exist in addition.
pub(crate) fn request(size: u32) -> PlanRequest {
    let limits = Limits { max_surge: Quantity::Percent(10), ..Limits::default() };
    PlanRequest::new(rollout(), image(2), size).limits(limits).zones(zones())
}

pub(crate) fn plan(size: u32) -> Plan {
    request(size).plan(&snapshot(size), &strategy()).unwrap()
}

/// The state at the start, and after the kernel has had its say.
pub(crate) fn states(size: u32) -> (RolloutState, RolloutState) {
    let plan = plan(size);
    let opened = RolloutState::open(plan.spec, &plan.initial, start()).unwrap();
    let mut busy = opened.clone();
    while let Decision::Act(steps) = decide(&busy, start()) {
        for step in steps {
            let op = busy.next_op();
            match step {
                Step::Launch { seat, zone, image } => {
                    busy.launch_intended(op, seat, zone, image, start()).unwrap();
                }
                Step::Retire { seat } => busy.retire_intended(op, seat, start()).unwrap(),
                other => unreachable!("{other:?}"),
            }
        }
        busy.settle(start());
    }
    (opened, busy)
}

/// The journal of a whole rollout of a fleet in memory.
pub(crate) fn journal(size: u32) -> Vec<Vec<u8>> {
    let clock = VirtualClock::new(start());
    let fleet = MemoryFleet::builder(fleet(), clock.shared())
        .zones(zones())
        .image(image(2), ImageBehaviour::Healthy)
        .running(size, image(1))
        .boot_jitter(Duration::from_secs(5))
        .tick(Duration::from_millis(50))
        .build();
    let store = MemoryStore::new();
    clock.run(async {
        let plan = request(size).plan(&fleet.observe().await.unwrap(), &strategy()).unwrap();
        let controller =
            Controller::new(Arc::clone(&fleet) as Arc<dyn Fleet>, Arc::new(store.clone()), clock.shared());
        controller.run(&plan, &CancellationToken::new()).await.unwrap();
        let mut objects = Vec::new();
        for key in store.list(&Key::new(rollout(), 1)).await.unwrap() {
            objects.push(store.get(&key).await.unwrap().unwrap());
        }
        objects
    })
}
