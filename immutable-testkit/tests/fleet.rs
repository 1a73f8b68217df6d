//! The fleet in memory behaves like a platform, also when it misbehaves.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::{join, join_all};
use immutable_core::controller::Clock;
use immutable_core::error::Retry;
use immutable_core::fleet::{
    DrainRequest, Fleet, FleetError, Health, LaunchRequest, Phase, TerminateRequest,
};
use immutable_core::{Attempt, Digest, FleetId, InstanceId, RolloutId, Slot, Timestamp, Zone};
use immutable_testkit::clock::VirtualClock;
use immutable_testkit::fleet::{
    EffectKind, EffectTime, Failure, ImageBehaviour, MemoryFleet, MemoryFleetBuilder, Operation,
};

const SECOND: Duration = Duration::from_secs(1);

fn image(name: &str) -> Digest {
    Digest::of(name.as_bytes())
}

fn zone(name: &str) -> Zone {
    Zone::new(name).unwrap()
}

fn builder(clock: &VirtualClock) -> MemoryFleetBuilder {
    MemoryFleet::builder(FleetId::new("web").unwrap(), clock.shared())
        .zones([zone("a"), zone("b")])
        .image(image("new"), ImageBehaviour::Healthy)
}

fn clock() -> VirtualClock {
    VirtualClock::new("2026-11-23T10:00:00Z".parse().unwrap())
}

fn request(slot: u32, what: &str) -> LaunchRequest {
    let zone = zone(if slot.is_multiple_of(2) { "a" } else { "b" });
    LaunchRequest::new(RolloutId::new("deploy").unwrap(), Slot(slot), Attempt(1), zone, image(what))
}

fn launch(
    clock: &VirtualClock,
    fleet: &MemoryFleet,
    slot: u32,
    what: &str,
) -> Result<InstanceId, FleetError> {
    clock.run(fleet.launch(&[request(slot, what)])).remove(0).map(|launched| launched.instance)
}

fn phase(fleet: &MemoryFleet, id: &InstanceId) -> Option<Phase> {
    fleet.instance(id).map(|instance| instance.phase)
}

const READY: Phase = Phase::Running(Health::Ready);
const UNREADY: Phase = Phase::Running(Health::Unready);

#[test]
fn a_life_from_launch_to_gone() {
    let clock = clock();
    let start = clock.now();
    let fleet = builder(&clock)
        .running(4, image("old"))
        .boot_of(image("new"), SECOND * 20)
        .boot_in(zone("b"), SECOND * 5)
        .stop(SECOND * 3)
        .call_time(Operation::Launch, SECOND * 2)
        .build();
    assert_eq!(fleet.available(), 4);

    let id = launch(&clock, &fleet, 1, "new").unwrap();
    assert_eq!(clock.now(), start + SECOND * 2);
    let seen = fleet.instance(&id).unwrap();
    assert_eq!((seen.phase, seen.endpoint), (Phase::Launching, None));
    clock.advance(SECOND * 22);
    assert_eq!(phase(&fleet, &id), Some(Phase::Launching));
    clock.advance(SECOND);
    assert_eq!(phase(&fleet, &id), Some(READY));
    assert_eq!(fleet.ready_since(&id), Some(start + SECOND * 25));
    assert!(fleet.instance(&id).unwrap().endpoint.is_some());

    clock.run(fleet.drain(&[DrainRequest::new(id.clone())]));
    assert_eq!((phase(&fleet, &id), fleet.available()), (Some(READY), 4));
    clock.run(fleet.terminate(&[TerminateRequest::new(id.clone())])).remove(0).unwrap();
    assert_eq!(clock.now(), start + SECOND * 28);
    assert_eq!(phase(&fleet, &id), None);

    let kinds: Vec<_> =
        fleet.effects().into_iter().map(|effect| (effect.at.since(start), effect.kind)).collect();
    assert!(matches!(&kinds[0], (Duration::ZERO, EffectKind::Launched { instance, .. }) if *instance == id));
    assert_eq!(
        kinds[1..],
        [
            (SECOND * 25, EffectKind::Drained { instance: id.clone() }),
            (SECOND * 25, EffectKind::Stopping { instance: id.clone() }),
            (SECOND * 28, EffectKind::Terminated { instance: id }),
        ]
    );
    let peaks = fleet.peaks();
    assert_eq!((peaks.max_total, peaks.min_available, peaks.max_images), (5, 4, 2));
    assert_eq!(peaks.max_by_zone[&zone("b")], 3);
}

#[test]
fn images_behave_as_declared() {
    let clock = clock();
    let fleet = builder(&clock)
        .image(image("never-ready"), ImageBehaviour::NeverReady)
        .image(image("never-starts"), ImageBehaviour::NeverStarts)
        .image(image("crashes"), ImageBehaviour::CrashAfter(SECOND * 15))
        .image(image("flaps"), ImageBehaviour::FlapsEvery(SECOND * 4))
        .image(image("full"), ImageBehaviour::LaunchFails { times: 2, failure: Failure::NoCapacity })
        .build();
    let [never_ready, never_starts, crashes, flaps] = ["never-ready", "never-starts", "crashes", "flaps"]
        .map(|name| launch(&clock, &fleet, u32::try_from(name.len()).unwrap(), name).unwrap());
    for _ in 0..2 {
        assert!(matches!(launch(&clock, &fleet, 50, "full"), Err(FleetError::NoCapacity { .. })));
    }
    launch(&clock, &fleet, 50, "full").unwrap();

    clock.advance(SECOND * 11);
    assert_eq!(phase(&fleet, &never_ready), Some(UNREADY));
    assert_eq!(phase(&fleet, &never_starts), Some(Phase::Launching));
    assert_eq!(phase(&fleet, &crashes), Some(READY));
    assert_eq!(phase(&fleet, &flaps), Some(READY));
    clock.advance(SECOND * 4);
    assert_eq!(phase(&fleet, &crashes), Some(Phase::Stopped { reason: "exit code 1".to_owned() }));
    assert_eq!(phase(&fleet, &flaps), Some(UNREADY));
    clock.advance(SECOND * 4);
    assert_eq!(phase(&fleet, &flaps), Some(READY));
    clock.advance(SECOND * 100_000);
    assert_eq!(phase(&fleet, &never_ready), Some(UNREADY));
    assert_eq!(phase(&fleet, &never_starts), Some(Phase::Launching));
}

#[test]
fn a_call_that_is_dropped_happened_or_not_as_configured() {
    for (effect_time, launched) in [(EffectTime::AtStart, 1), (EffectTime::BeforeReturn, 0)] {
        let clock = clock();
        let fleet = builder(&clock).call_time(Operation::Launch, SECOND).effect_time(effect_time).build();
        let requests = [request(0, "new")];
        assert!(fleet.launch(&requests).now_or_never().is_none());
        assert_eq!(fleet.instances().len(), launched, "{effect_time:?}");
        // Whoever comes next finishes it.
        launch(&clock, &fleet, 0, "new").unwrap();
        assert_eq!(fleet.instances().len(), 1);
        assert_eq!(clock.sleepers(), 0);
    }
}

#[test]
fn a_dropped_terminate_goes_on() {
    let clock = clock();
    let fleet = builder(&clock).running(1, image("old")).stop(SECOND * 5).build();
    let id = fleet.instances().remove(0).id;
    let requests = [TerminateRequest::new(id.clone())];
    assert!(fleet.terminate(&requests).now_or_never().is_none());
    clock.advance(SECOND * 2);
    assert_eq!(phase(&fleet, &id), Some(Phase::Stopping));
    let began = clock.now();
    clock.run(fleet.terminate(&requests)).remove(0).unwrap();
    assert_eq!(clock.now().since(began), SECOND * 3);
    assert_eq!(fleet.effects().len(), 2, "stopped once");
}

#[test]
fn injected_failures_hit_the_next_calls_in_order() {
    let clock = clock();
    let fleet = builder(&clock).build();
    fleet.fail_next(Operation::Launch, 1, Failure::Throttled(SECOND * 7));
    fleet.fail_next(Operation::Launch, 1, Failure::Lost);
    let results = clock.run(fleet.launch(&[request(0, "new"), request(1, "new"), request(2, "new")]));
    assert_eq!(results[0].as_ref().unwrap_err().retry(), Retry::After(SECOND * 7));
    assert_eq!(results[1].as_ref().unwrap_err().retry(), Retry::Backoff);
    assert!(results[2].is_ok());
    assert_eq!(fleet.instances().len(), 2, "the lost answer was to a launch that happened");

    fleet.fail_next(Operation::Observe, 1, Failure::Platform);
    fleet.fail_next(Operation::Check, 5, Failure::Platform);
    assert!(clock.run(fleet.observe()).is_err());
    assert!(clock.run(fleet.observe()).is_ok());
    fleet.clear_failures();
    clock.run(fleet.check(&image("new"))).unwrap();
}

#[test]
fn zones_fail_and_fill_up() {
    let clock = clock();
    let fleet = builder(&clock).running(4, image("old")).zone_capacity(zone("b"), 3).build();
    fleet.zone_outage(&zone("a"));
    assert_eq!(fleet.available(), 2);
    assert!(matches!(launch(&clock, &fleet, 0, "new"), Err(FleetError::NoCapacity { .. })));
    fleet.zone_restored(&zone("a"));
    assert_eq!((fleet.available(), fleet.peaks().min_available), (4, 2));
    launch(&clock, &fleet, 0, "new").unwrap();
    launch(&clock, &fleet, 1, "new").unwrap();
    assert!(matches!(launch(&clock, &fleet, 3, "new"), Err(FleetError::NoCapacity { .. })));
}

#[test]
fn one_that_is_killed_while_it_stops_is_gone_all_the_same() {
    let clock = clock();
    let fleet = builder(&clock).running(1, image("old")).build();
    let id = fleet.instances().remove(0).id;
    let requests = [TerminateRequest::new(id.clone())];
    let killed = async {
        clock.sleep_until(clock.now() + Duration::from_millis(100)).await;
        fleet.kill(&id).unwrap();
    };
    let (gone, ()) = clock.run(async { futures_util::join!(fleet.terminate(&requests), killed) });
    gone.into_iter().next().unwrap().unwrap();
    assert_eq!(phase(&fleet, &id), None);
}

#[test]
fn faults_by_hand() {
    let clock = clock();
    let fleet = builder(&clock).running(3, image("old")).build();
    let ids: Vec<_> = fleet.instances().into_iter().map(|instance| instance.id).collect();
    fleet.kill(&ids[0]).unwrap();
    fleet.make_unready(&ids[1]).unwrap();
    fleet.vanish(&ids[2]).unwrap();
    assert_eq!(phase(&fleet, &ids[0]), Some(Phase::Stopped { reason: "killed".to_owned() }));
    assert_eq!(phase(&fleet, &ids[1]), Some(UNREADY));
    assert_eq!((phase(&fleet, &ids[2]), fleet.available()), (None, 0));
    assert!(fleet.kill(&ids[2]).unwrap_err().to_string().contains(ids[2].as_str()));
    fleet.make_ready(&ids[1]).unwrap();
    assert_eq!(fleet.available(), 1);
    let foreign = fleet.add_foreign(image("theirs"), &zone("a"));
    assert_eq!(fleet.instance(&foreign).unwrap().origin, None);
    // One that has ended needs no time to be removed.
    let before = clock.now();
    clock.run(fleet.terminate(&[TerminateRequest::new(ids[0].clone())])).remove(0).unwrap();
    assert_eq!(clock.now(), before);
}

#[test]
fn late_lists() {
    let clock = clock();
    let fleet = builder(&clock).running(1, image("old")).listing_delay(SECOND * 3).build();
    let id = launch(&clock, &fleet, 0, "new").unwrap();
    let observed = || clock.run(fleet.observe()).unwrap();
    assert!(observed().get(&id).is_none());
    clock.advance(SECOND * 3);
    assert!(observed().get(&id).is_some());

    fleet.pause_observation();
    let frozen = observed();
    clock.advance(SECOND * 60);
    let late = observed();
    assert_eq!((&late.instances, late.revision), (&frozen.instances, frozen.revision));
    assert_eq!(late.taken_at, clock.now());
    assert!(clock.run_until(clock.now() + SECOND * 60, fleet.changed(late.revision)).is_err());
    fleet.resume_observation();
    clock.run(fleet.changed(late.revision));
    assert!(observed().get(&id).unwrap().is_ready());
}

#[test]
fn changed_wakes_for_operations_and_for_what_happens_by_itself() {
    let clock = clock();
    let start = clock.now();
    let fleet = builder(&clock).running(1, image("old")).build();
    let seen = clock.run(fleet.observe()).unwrap().revision;
    // Somebody launches 4 s after the wait began.
    clock.run(join(fleet.changed(seen), async {
        clock.sleep_until(start + SECOND * 4).await;
        fleet.launch(&[request(0, "new")]).await.remove(0).unwrap();
    }));
    assert_eq!(clock.now(), start + SECOND * 4);
    let seen = clock.run(fleet.observe()).unwrap().revision;
    clock.run(fleet.changed(seen));
    assert_eq!(clock.now(), start + SECOND * 14, "it is ready 10 s after its launch");
    let seen = clock.run(fleet.observe()).unwrap().revision;
    assert!(clock.run_until(Timestamp::MAX, fleet.changed(seen)).is_err(), "nothing more happens");
    assert!(builder(&clock).without_events().build().changed(0).now_or_never().is_none());
}

#[test]
fn a_forgotten_token_launches_again() {
    let clock = clock();
    let fleet = builder(&clock).token_lifetime(SECOND * 60).build();
    let first = launch(&clock, &fleet, 0, "new").unwrap();
    clock.advance(SECOND * 59);
    assert_eq!(launch(&clock, &fleet, 0, "new").unwrap(), first);
    clock.advance(SECOND);
    assert_ne!(launch(&clock, &fleet, 0, "new").unwrap(), first);
}

#[test]
fn the_same_seed_does_the_same() {
    let ready_at = |seed| {
        let clock = clock();
        let fleet = builder(&clock).boot_jitter(SECOND * 30).seed(immutable_core::Seed::new(seed)).build();
        let requests: Vec<_> = (0..20).map(|slot| request(slot, "new")).collect();
        clock.run(fleet.launch(&requests));
        clock.advance(SECOND * 60);
        fleet.instances().iter().map(|i| fleet.ready_since(&i.id)).collect::<Vec<_>>()
    };
    assert_eq!(ready_at(1), ready_at(1));
    assert_ne!(ready_at(1), ready_at(2));
}

#[test]
fn ten_thousand_instances() {
    let clock = clock();
    let fleet: Arc<MemoryFleet> = builder(&clock)
        .running(10_000, image("old"))
        .boot_jitter(SECOND * 60)
        .call_time(Operation::Launch, SECOND)
        .build();
    let began = Instant::now();
    let requests: Vec<_> = (0..10_000).map(|slot| request(slot, "new")).collect();
    clock.run(fleet.launch(&requests));
    println!("launch 10,000 in one call: {:?}", began.elapsed());

    let began = Instant::now();
    let mut wakeups = 0;
    clock.run(async {
        let mut seen = 0;
        while fleet.available() < 20_000 {
            fleet.changed(seen).await;
            wakeups += 1;
            seen = fleet.revision();
        }
    });
    println!("{wakeups} wakeups until all are ready: {:?}", began.elapsed());

    let began = Instant::now();
    let snapshot = clock.run(fleet.observe()).unwrap();
    println!("observe {}: {:?}", snapshot.instances.len(), began.elapsed());

    let began = Instant::now();
    let old: Vec<_> = snapshot.instances.iter().filter(|i| i.image == image("old")).collect();
    let calls = old.iter().map(|i| {
        let fleet = Arc::clone(&fleet);
        let request = TerminateRequest::new(i.id.clone());
        async move { fleet.terminate(&[request]).await.remove(0).unwrap() }
    });
    clock.run(join_all(calls));
    println!("terminate 10,000 in as many calls: {:?}", began.elapsed());
    assert_eq!((fleet.instances().len(), fleet.peaks().max_total), (10_000, 20_000));
}
