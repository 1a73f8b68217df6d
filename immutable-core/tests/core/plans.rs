//! What holds for every plan, whatever the fleet and the limits are.

use std::collections::BTreeSet;
use std::time::Duration;

use immutable_core::fleet::{Health, Instance, Origin, Phase, Snapshot};
use immutable_core::limits::Limits;
use immutable_core::plan::{Estimates, Plan, PlannedEvent, lint};
use immutable_core::planner::PlanRequest;
use immutable_core::strategy::Rolling;
use immutable_core::{Attempt, FleetId, InstanceId, Quantity, RolloutId, Seed, Slot, Timestamp, Token, Zone};
use proptest::prelude::*;

use crate::scenario::{secs, v};

/// One instance as the generator thinks of it.
#[derive(Clone, Debug)]
struct Found {
    image: u32,
    zone: usize,
    phase: u8,
    slot: Option<u32>,
    age: u64,
}

#[derive(Clone, Debug)]
struct Case {
    found: Vec<Found>,
    desired: u32,
    zones: usize,
    limits: Limits,
    estimates: Estimates,
    seed: u64,
}

fn now() -> Timestamp {
    "2026-11-23T10:00:00Z".parse().unwrap()
}

fn zone(number: usize) -> Zone {
    Zone::new(format!("zone-{number}")).unwrap()
}

impl Case {
    fn instance(&self, number: usize, found: &Found) -> Instance {
        let phase = match found.phase {
            0..=11 => Phase::Running(Health::Ready),
            12 => Phase::Running(Health::Unready),
            13 => Phase::Running(Health::Unknown),
            14 => Phase::Launching,
            15 => Phase::Stopping,
            _ => Phase::Stopped { reason: "exit code 1".to_owned() },
        };
        let id = InstanceId::new(format!("i-{number:03}")).unwrap();
        // One that still starts is young, or it would be given up before it is ready.
        let age = if phase == Phase::Launching { found.age % 100 } else { found.age };
        let launched_at = now().saturating_sub(secs(age));
        let mut instance = Instance::new(id, v(found.image), zone(found.zone), phase, launched_at);
        instance.origin = found.slot.map(|slot| {
            let rollout = RolloutId::new("before").unwrap();
            let (slot, attempt) = (Slot(slot), Attempt(1));
            let token = Token::of(&rollout, slot, attempt);
            Origin { rollout, slot, attempt, token }
        });
        instance
    }

    fn snapshot(&self) -> Snapshot {
        let instances = self.found.iter().enumerate().map(|(number, found)| self.instance(number, found));
        Snapshot::new(FleetId::new("web").unwrap(), now(), 7, instances.collect())
    }

    fn request(&self) -> PlanRequest {
        PlanRequest::new(RolloutId::new("deploy-42").unwrap(), v(2), self.desired)
            .limits(self.limits.clone())
            .zones((0..self.zones).map(zone).collect())
            .estimates(self.estimates)
            .seed(Seed::new(self.seed))
    }

    fn plan(&self) -> Plan {
        self.request().plan(&self.snapshot(), &Rolling::new()).unwrap()
    }
}

fn found(zones: usize) -> impl Strategy<Value = Found> {
    let slot = prop_oneof![Just(None), (0..45_u32).prop_map(Some)];
    (1..=3_u32, 0..zones, 0..17_u8, slot, 0..100_000_u64).prop_map(|(image, zone, phase, slot, age)| Found {
        image,
        zone,
        phase,
        slot,
        age,
    })
}

fn quantity() -> impl Strategy<Value = Quantity> {
    prop_oneof![(0..=12_u32).prop_map(Quantity::Count), (0..=120_u32).prop_map(Quantity::Percent)]
}

fn limits() -> impl Strategy<Value = Limits> {
    (quantity(), quantity(), 0..60_u64).prop_map(|(max_surge, max_unavailable, min_ready)| Limits {
        max_surge,
        max_unavailable,
        min_ready: secs(min_ready),
        ..Limits::default()
    })
}

fn estimates() -> impl Strategy<Value = Estimates> {
    (0..200_u64, 0..200_u64)
        .prop_map(|(launch, drain)| Estimates { launch_to_ready: secs(launch), drain_to_gone: secs(drain) })
}

/// A fleet in any state: of several images, with instances that are not ready, too many or too few, in the wrong
/// zones, with slots that are missing, used twice or beyond the desired number.
fn any_fleet() -> impl Strategy<Value = Case> {
    (1..=5_usize, 0..=40_u32).prop_flat_map(|(zones, desired)| {
        let usable = move |limits: &Limits| limits.budget(desired).is_ok();
        (
            prop::collection::vec(found(zones), 0..=40),
            limits().prop_filter("both zero", usable),
            estimates(),
            any::<u64>(),
        )
            .prop_map(move |(found, limits, estimates, seed)| Case {
                found,
                desired,
                zones,
                limits,
                estimates,
                seed,
            })
    })
}

/// As many ready instances of the old image as desired, each in its slot.
fn healthy_fleet() -> impl Strategy<Value = Case> {
    any_fleet().prop_filter("empty", |case| case.desired > 0).prop_map(|mut case| {
        let old = |slot: u32| Found {
            image: 1,
            zone: slot as usize % case.zones,
            phase: 0,
            slot: Some(slot),
            age: 100_000,
        };
        case.found = (0..case.desired).map(old).collect();
        case
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_plan_is_clean_and_no_faster_than_possible(case in any_fleet()) {
        let plan = case.plan();
        prop_assert_eq!(lint(&plan), [], "{}", plan);
        prop_assert!(plan.makespan >= plan.lower_bound, "{}", plan);
    }

    #[test]
    fn planning_twice_gives_the_same_bytes(case in any_fleet()) {
        let sorted = case.snapshot();
        let reversed = sorted.instances.iter().rev().map(|instance| Instance::clone(instance)).collect();
        let shuffled = Snapshot::new(sorted.fleet, sorted.taken_at, sorted.revision, reversed);
        let again = case.request().plan(&shuffled, &Rolling::new()).unwrap();
        prop_assert_eq!(case.plan().digest(), again.digest());
        let bytes = serde_json::to_vec(&again).unwrap();
        let read: Plan = serde_json::from_slice(&bytes).unwrap();
        prop_assert_eq!(read, again);
    }

    #[test]
    fn exactly_the_vacant_slots_are_launched_each_in_its_zone(case in any_fleet()) {
        let plan = case.plan();
        let stays = |phase: &Phase| !matches!(phase, Phase::Stopping | Phase::Stopped { .. });
        let new: Vec<_> = plan
            .initial
            .iter()
            // One beyond the desired slots stands in for none of them.
            .filter(|adopted| adopted.seat.slot.0 < case.desired)
            .filter(|adopted| adopted.instance.image == v(2) && stays(&adopted.instance.phase))
            .map(|adopted| adopted.seat.slot)
            .collect();
        let held: BTreeSet<Slot> = new.iter().copied().collect();
        let mut launched = BTreeSet::new();
        for step in plan.timeline.iter() {
            let PlannedEvent::Launch { seat, zone, image } = &step.event else { continue };
            prop_assert!(launched.insert(seat.slot), "{} twice: {}", seat, plan);
            prop_assert!(seat.slot.0 < case.desired && !held.contains(&seat.slot), "{}: {}", seat, plan);
            prop_assert_eq!((zone, image), (plan.spec.zone_of(seat.slot), &v(2)));
        }
        let missing = (case.desired as usize).saturating_sub(new.len());
        prop_assert_eq!(launched.len(), missing, "{}", plan);
    }

    #[test]
    fn nothing_is_left_to_do_at_the_end_of_a_plan(case in any_fleet()) {
        let end = end_of(&case.plan());
        let plan = case.request().plan(&end, &Rolling::new()).unwrap();
        prop_assert!(plan.timeline.is_empty(), "{}", plan);
        prop_assert_eq!((plan.makespan, plan.lower_bound), (Duration::ZERO, Duration::ZERO));
    }

    #[test]
    fn the_way_back_leads_to_what_most_ready_instances_run(case in any_fleet()) {
        let snapshot = case.snapshot();
        let ready = |image| {
            snapshot.instances.iter().filter(|found| found.is_ready() && found.image == image).count()
        };
        let previous = case.plan().spec.previous;
        prop_assert_ne!(previous, Some(v(2)));
        let most = ready(v(1)).max(ready(v(3)));
        prop_assert_eq!(previous.map_or(0, ready), most);
    }

    /// The worst are limits that allow all at once: they take a launch and then a retirement, the bound only the longer
    /// of the two.
    #[test]
    fn a_full_fleet_is_replaced_within_one_round_and_twice_of_the_shortest_possible_time(case in healthy_fleet()) {
        let plan = case.plan();
        let round = case.limits.min_ready + case.estimates.launch_to_ready + case.estimates.drain_to_gone;
        prop_assert!(plan.makespan <= plan.lower_bound + round, "one round: {}", plan);
        prop_assert!(plan.makespan <= plan.lower_bound * 2, "twice: {}", plan);
    }
}

/// What the fleet looks like when everything has happened that a plan predicts.
fn end_of(plan: &Plan) -> Snapshot {
    let mut instances: Vec<(immutable_core::plan::Seat, Instance)> =
        plan.initial.iter().map(|adopted| (adopted.seat, Instance::clone(&adopted.instance))).collect();
    for step in plan.timeline.iter() {
        match &step.event {
            PlannedEvent::Launch { seat, zone, image } => {
                let rollout = plan.spec.rollout.clone();
                let token = Token::of(&rollout, seat.slot, seat.attempt);
                let id = InstanceId::new(format!("i-{token}")).unwrap();
                let (slot, attempt) = (seat.slot, seat.attempt);
                let ready = Phase::Running(Health::Ready);
                let mut instance = Instance::new(id, *image, zone.clone(), ready, now());
                instance.origin = Some(Origin { rollout, slot, attempt, token });
                instances.push((*seat, instance));
            }
            PlannedEvent::Available { seat } => {
                for (_, instance) in instances.iter_mut().filter(|(other, _)| other == seat) {
                    instance.phase = Phase::Running(Health::Ready);
                }
            }
            PlannedEvent::Gone { seat } => instances.retain(|(other, _)| other != seat),
            PlannedEvent::Retire { .. } | PlannedEvent::Stage { .. } => {}
            other => unreachable!("{other:?}"),
        }
    }
    let instances = instances.into_iter().map(|(_, instance)| instance).collect();
    Snapshot::new(plan.spec.fleet.clone(), now() + plan.makespan + secs(1_000), 8, instances)
}
