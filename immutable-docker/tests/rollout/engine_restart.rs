//! The engine restarts in the middle of a rollout.

use std::sync::Arc;
use std::time::Duration;

use immutable_core::controller::{Controller, SystemClock};
use immutable_core::event::EventSink;
use immutable_core::fleet::Fleet;
use immutable_core::limits::Limits;
use immutable_core::planner::Conclusion;
use immutable_core::store::FolderStore;
use immutable_core::{FleetId, Quantity};
use immutable_docker::{DockerFleet, DockerFleetConfig, Readiness};
use immutable_lab::{Engine, EngineOptions, Lab, Shutdown, unique_name};
use tokio_util::sync::CancellationToken;

use crate::stage::{self, Story};

#[test]
fn a_killed_and_restarted_engine_only_delays_the_rollout() {
    only_delays_the_rollout(Shutdown::Kill);
}

#[test]
fn a_stopped_and_started_engine_only_delays_the_rollout() {
    only_delays_the_rollout(Shutdown::Graceful);
}

/// An engine of its own, whose containers outlive the daemon; their addresses cannot be reached from here, so running
/// is ready.
fn only_delays_the_rollout(shutdown: Shutdown) {
    let lab = Lab::connect().expect("run through `cargo xtask engine -- cargo test ...`");
    let folder = tempfile::tempdir().unwrap();
    let mut engine = Engine::start_with(folder.path(), EngineOptions { live_restore: true }).unwrap();
    let socket = engine.socket().to_owned();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (v1, v2) = runtime.block_on(async {
        (stage::bake(&lab, &socket, 1, "ok").await, stage::bake(&lab, &socket, 2, "ok").await)
    });
    let limits = Limits {
        max_surge: Quantity::Count(2),
        max_failures: Quantity::Count(4),
        healthy_deadline: Duration::from_secs(60),
        ..Limits::default()
    };
    let story = Arc::new(Story::default());
    let [zone, ..] = &stage::zones()[..] else { unreachable!("three zones") };
    let config = DockerFleetConfig::new(FleetId::new(unique_name("restarted")).unwrap(), zone.clone())
        .with_socket(&socket)
        .with_readiness(Readiness::RunningIsReady)
        .with_stop_grace(Duration::from_secs(2));
    let fleet: Arc<dyn Fleet> = Arc::new(runtime.block_on(DockerFleet::connect(config)).unwrap());
    let journal = folder.path().join("journal");
    let roll = |rollout: &str, image, desired| {
        let (fleet, story, limits) = (Arc::clone(&fleet), Arc::clone(&story), limits.clone());
        let (rollout, journal) = (rollout.to_owned(), journal.clone());
        runtime.spawn(async move {
            let snapshot = fleet.observe().await.unwrap();
            let plan = immutable_core::planner::PlanRequest::new(
                immutable_core::RolloutId::new(rollout).unwrap(),
                image,
                desired,
            )
            .limits(limits)
            .zones(fleet.capabilities().zones)
            .plan(&snapshot, &immutable_core::strategy::Rolling::new())
            .unwrap();
            Controller::new(fleet, Arc::new(FolderStore::new(journal)), Arc::new(SystemClock::new()))
                .with_sink(story as Arc<dyn EventSink>)
                .run(&plan, &CancellationToken::new())
                .await
        })
    };
    let first = runtime.block_on(roll("first", v1, 6)).unwrap();
    assert_eq!(first.unwrap(), Conclusion::Completed, "{}", story.text());

    let second = roll("second", v2, 6);
    while !story.text().contains("launch slot-2.1 of") || story.text().matches("retire").count() < 2 {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(!second.is_finished(), "it must not be over yet");
    engine.restart(shutdown).unwrap();
    let second = runtime.block_on(async { tokio::time::timeout(Duration::from_secs(120), second).await });
    let second = second.unwrap_or_else(|_| panic!("still running:\n{}", story.text())).unwrap();
    assert_eq!(second.unwrap(), Conclusion::Completed, "{}", story.text());
    let snapshot = runtime.block_on(fleet.observe()).unwrap();
    assert_eq!(snapshot.instances.len(), 6, "{}", story.text());
    assert!(snapshot.instances.iter().all(|instance| instance.is_ready() && instance.image == v2));
    drop(fleet);
    engine.stop().unwrap();
}
