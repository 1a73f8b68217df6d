use std::time::Duration;

use immutable_core::fleet::{Fleet, Health, Phase};
use immutable_docker::{DockerFleet, Readiness};

use crate::stage::{Stage, checked_image, launch, plain_image, request, terminate, until};

#[tokio::test(flavor = "multi_thread")]
async fn http_readiness_is_told_at_every_change() {
    let stage = Stage::new();
    let fleet = stage.probed(&[("READY_MS", "700"), ("DRAIN_MS", "3000")]).await;
    let phase = |wanted: Phase| until(&fleet, move |all| all.iter().any(|one| one.phase == wanted));

    let launched = launch(&fleet, request(plain_image(&stage.api))).await;
    let first = fleet.observe().await.unwrap();
    assert_eq!(first.instances[0].phase, Phase::Running(Health::Unknown));
    phase(Phase::Running(Health::Unready)).await;
    let ready = phase(Phase::Running(Health::Ready)).await;
    assert!(ready.revision > first.revision);
    assert_eq!(ready.instances[0].endpoint.unwrap().port(), 8080);

    // Told to stop it answers 503, and then it ends.
    stage.signal(&launched, "TERM");
    phase(Phase::Running(Health::Unready)).await;
    phase(Phase::Stopped { reason: "exited with code 0".to_owned() }).await;
    terminate(&fleet, &launched).await;
    until(&fleet, <[_]>::is_empty).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_is_unready_and_delays_nobody() {
    let stage = Stage::new();
    let fleet = stage.probed(&[]).await;
    let launched = launch(&fleet, request(plain_image(&stage.api))).await;
    until(&fleet, |all| all[0].is_ready()).await;
    stage.signal(&launched, "STOP");
    let unready = Phase::Running(Health::Unready);
    until(&fleet, |all| all[0].phase == unready).await;
    stage.signal(&launched, "CONT");
    until(&fleet, |all| all[0].is_ready()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_process_finds_out_by_itself() {
    let stage = Stage::new();
    let fleet = stage.probed(&[]).await;
    launch(&fleet, request(plain_image(&stage.api))).await;
    drop(fleet);
    let successor = stage.probed(&[]).await;
    until(&successor, |all| all.len() == 1 && all[0].is_ready()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_health_check_of_the_image_is_followed() {
    let stage = Stage::new();
    let config = stage.config().with_readiness(Readiness::Healthcheck).with_env("READY_MS", "600");
    let fleet = DockerFleet::connect(config.with_env("DRAIN_MS", "20000")).await.unwrap();
    let launched = launch(&fleet, request(checked_image(&stage.api))).await;
    until(&fleet, |all| all[0].is_ready()).await;
    stage.signal(&launched, "TERM");
    until(&fleet, |all| all[0].phase == Phase::Running(Health::Unready)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn containers_that_come_and_go_wake_those_who_wait() {
    let stage = Stage::new();
    let fleet = stage.fleet().await;
    let settled = until(&fleet, <[_]>::is_empty).await;
    // Nothing happens, so nobody is woken but by the monitor's own first list.
    let mut revision = settled.revision;
    while tokio::time::timeout(Duration::from_millis(400), fleet.changed(revision)).await.is_ok() {
        revision = fleet.observe().await.unwrap().revision;
    }

    let other = stage.fleet().await;
    let launched = launch(&other, request(plain_image(&stage.api))).await;
    until(&fleet, |all| all.iter().any(|one| one.is_ready())).await;
    stage.post(&launched, "stop?t=1");
    until(&fleet, |all| matches!(all[0].phase, Phase::Stopped { .. })).await;
    stage.remove(launched.as_str());
    until(&fleet, <[_]>::is_empty).await;
}
