//! Rollouts that would never finish, and what would free them.

use immutable_core::fleet::{Health, Instance, Phase, Snapshot};
use immutable_core::limits::Limits;
use immutable_core::plan::{OnApart, Plan, Relaxation, WaitingOn};
use immutable_core::planner::{Decision, PlanError, PlanRequest, RolloutState, decide, explain};
use immutable_core::strategy::Rolling;
use immutable_core::{Digest, FleetId, InstanceId, Quantity, RolloutId, Timestamp, Zone};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn zones() -> Vec<Zone> {
    ["a", "b"].map(|zone| Zone::new(zone).unwrap()).to_vec()
}

fn instance(number: usize, image: &[u8]) -> Instance {
    let id = InstanceId::new(format!("i-{number}")).unwrap();
    let zone = zones()[number % 2].clone();
    Instance::new(id, Digest::of(image), zone, Phase::Running(Health::Ready), NOW)
}

fn limits(surge: u32, unavailable: u32) -> Limits {
    Limits {
        max_surge: Quantity::Count(surge),
        max_unavailable: Quantity::Count(unavailable),
        ..Limits::default()
    }
}

fn plan(limits: Limits, instances: Vec<Instance>) -> Result<Plan, PlanError> {
    let desired = u32::try_from(instances.len()).unwrap();
    let snapshot = Snapshot::new(FleetId::new("web").unwrap(), NOW, 0, instances);
    PlanRequest::new(RolloutId::new("deploy-3").unwrap(), Digest::of(b"v3"), desired)
        .limits(limits)
        .zones(zones())
        .plan(&snapshot, &Rolling::new())
}

fn ways_out(error: PlanError) -> (String, Vec<Vec<Relaxation>>) {
    let text = error.to_string();
    match error {
        PlanError::Deadlock { deadlock, .. } => (text, deadlock.ways_out),
        other => panic!("{other}"),
    }
}

#[test]
fn a_volume_needs_its_instance_to_go_first() {
    let mut instances: Vec<Instance> = (0..4).map(|number| instance(number, b"v1")).collect();
    instances[2].standing.volume = true;
    let (text, ways) = ways_out(plan(limits(2, 0), instances.clone()).unwrap_err());
    assert!(text.contains("slot-2: owns a volume"), "{text}");
    assert!(text.contains("what would free it: max_unavailable 1 instead of 0"), "{text}");
    assert_eq!(ways, [vec![Relaxation::MaxUnavailable { from: 0, to: 1 }]]);

    let plan = plan(limits(2, 1), instances).unwrap();
    assert!(plan.unfinished.is_none(), "{plan}");
}

#[test]
fn one_more_version_than_allowed() {
    let mut instances: Vec<Instance> = (0..4).map(|number| instance(number, b"v1")).collect();
    instances[0].image = Digest::of(b"v2");
    let two = Limits { max_versions: Some(2), ..limits(1, 0) };
    let (text, ways) = ways_out(plan(two.clone(), instances.clone()).unwrap_err());
    assert!(text.contains("(max_versions)"), "{text}");
    // The only one of its image may leave first, and then there is room for another image.
    assert!(ways.contains(&vec![Relaxation::MaxUnavailable { from: 0, to: 1 }]), "{ways:?}");
    assert!(ways.contains(&vec![Relaxation::MaxVersions { from: 2, to: 3 }]), "{ways:?}");
    for limits in [
        Limits { max_versions: Some(3), ..two.clone() },
        Limits { max_unavailable: Quantity::Count(1), ..two },
    ] {
        assert!(plan(limits, instances.clone()).unwrap().unfinished.is_none());
    }
}

#[test]
fn a_protected_instance_is_waited_for_and_is_no_deadlock() {
    let mut instances: Vec<Instance> = (0..4).map(|number| instance(number, b"v1")).collect();
    instances[1].standing.protected = true;
    let waits = plan(limits(1, 0), instances.clone()).unwrap();
    let report = waits.unfinished.unwrap();
    assert_eq!(report.waiting.values().collect::<Vec<_>>(), [&WaitingOn::Protected], "{report}");
    assert!(report.deadlock.is_none());

    let snapshot = Snapshot::new(FleetId::new("web").unwrap(), NOW, 0, instances);
    let skips = PlanRequest::new(RolloutId::new("deploy-3").unwrap(), Digest::of(b"v3"), 4)
        .zones(zones())
        .on_protected(OnApart::Skip)
        .plan(&snapshot, &Rolling::new())
        .unwrap();
    assert!(skips.unfinished.is_none(), "{skips}");
}

#[test]
fn limits_that_are_tightened_on_the_way_are_explained() {
    let instances: Vec<Instance> = (0..4).map(|number| instance(number, b"v1")).collect();
    let plan = plan(limits(1, 0), instances).unwrap();
    let mut state = RolloutState::open(plan.spec, &plan.initial, NOW).unwrap();
    let two = Limits { max_versions: Some(1), ..limits(1, 0) };
    state.relimited(two, NOW);
    assert_eq!(decide(&state, NOW), Decision::Wait);
    let report = explain(&state, NOW);
    let deadlock = report.deadlock.clone().unwrap();
    // Without versions side by side, all of the one must be gone before the first of the other comes.
    let ways = [
        vec![Relaxation::MaxUnavailable { from: 0, to: 4 }],
        vec![Relaxation::MaxVersions { from: 1, to: 2 }],
    ];
    assert_eq!(deadlock.ways_out, ways, "{report}");
}
