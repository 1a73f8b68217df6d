use std::num::NonZeroU64;

use immutable_core::fleet::{Fleet, FleetError, Phase};
use immutable_core::{Digest, Zone};
use immutable_docker::{DockerFleet, Hardening, Readiness, ResourceLimits};
use serde_json::json;

use crate::stage::{Stage, checked_image, labels_of, launch, plain_image, request, requests, until};

fn invalid(error: FleetError) -> String {
    let FleetError::Invalid { reason, .. } = error else { panic!("{error:?}") };
    reason
}

#[tokio::test(flavor = "multi_thread")]
async fn one_token_is_one_container_whoever_launches_it() {
    let stage = Stage::new();
    let request = request(plain_image(&stage.api));
    let (one, other) = tokio::join!(stage.fleet(), stage.fleet());
    let twice = [request.clone(), request.clone()];
    let (mine, theirs) = tokio::join!(one.launch(&twice), other.launch(&twice));
    let first = mine[0].as_ref().unwrap().instance.clone();
    for launched in mine.iter().chain(&theirs) {
        assert_eq!(launched.as_ref().unwrap().instance, first);
    }
    assert_eq!(launch(&one, request.clone()).await, first);
    assert_eq!(stage.containers().len(), 1);

    let snapshot = other.observe().await.unwrap();
    let [instance] = &snapshot.instances[..] else { panic!("{snapshot:#?}") };
    assert!(instance.is_ready());
    assert_eq!((&instance.id, instance.image), (&first, request.image));
    let origin = instance.origin.clone().unwrap();
    assert_eq!((origin.rollout, origin.slot), (request.rollout, request.slot));
    assert_eq!((origin.attempt, origin.token), (request.attempt, request.token));
}

#[tokio::test(flavor = "multi_thread")]
async fn results_keep_the_order_and_one_refusal_does_not_stop_the_others() {
    let stage = Stage::new();
    let fleet = stage.fleet().await;
    let mut requests = requests(3, plain_image(&stage.api));
    requests[1].zone = Zone::new("moon").unwrap();
    let results = fleet.launch(&requests).await;
    let snapshot = fleet.observe().await.unwrap();
    for at in [0, 2] {
        let instance = snapshot.get(&results[at].as_ref().unwrap().instance).unwrap();
        assert_eq!(instance.origin.as_ref().unwrap().slot, requests[at].slot);
    }
    let Err(FleetError::Invalid { reason, .. }) = &results[1] else { panic!("{results:?}") };
    assert!(reason.contains("moon"), "{reason}");
    assert_eq!(snapshot.instances.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_was_created_and_not_started_is_started() {
    let stage = Stage::new();
    let request = request(plain_image(&stage.api));
    let name = format!("{}-{}", stage.id, request.token);
    let created = stage.create(&name, &request.image, &labels_of(&stage, &request));
    let fleet = stage.fleet().await;
    assert_eq!(fleet.observe().await.unwrap().get(&created).unwrap().phase, Phase::Launching);
    assert_eq!(launch(&fleet, request).await, created);
    until(&fleet, |instances| instances[0].is_ready()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_ended_stays_ended() {
    let stage = Stage::new();
    let fleet = DockerFleet::connect(stage.config().with_env("MODE", "crash:300")).await.unwrap();
    let request = request(plain_image(&stage.api));
    let launched = launch(&fleet, request.clone()).await;
    let reason = "exited with code 3".to_owned();
    let stopped = Phase::Stopped { reason };
    until(&fleet, |instances| instances.iter().any(|one| one.phase == stopped)).await;
    assert_eq!(launch(&fleet, request).await, launched);
    assert_eq!(fleet.observe().await.unwrap().get(&launched).unwrap().phase, stopped);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_image_is_refused_with_the_way_out() {
    let stage = Stage::new();
    let fleet = stage.fleet().await;
    let unknown = Digest::of(b"no such image");
    let checked = invalid(fleet.check(&unknown).await.unwrap_err());
    let launched = invalid(fleet.launch(&[request(unknown)]).await.remove(0).unwrap_err());
    for reason in [checked, launched] {
        assert!(reason.contains(&unknown.to_string()) && reason.contains("docker load"), "{reason}");
    }
    assert!(stage.containers().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_must_say_how_its_readiness_is_found_out() {
    let stage = Stage::new();
    let plain = plain_image(&stage.api);
    let by_image = DockerFleet::connect(stage.config().with_readiness(Readiness::Healthcheck)).await.unwrap();
    let reason = invalid(by_image.check(&plain).await.unwrap_err());
    for way in ["HEALTHCHECK", "Readiness::Http", "Readiness::RunningIsReady"] {
        assert!(reason.contains(way), "{reason}");
    }
    by_image.check(&checked_image(&stage.api)).await.unwrap();
    stage.probed(&[]).await.check(&plain).await.unwrap();
    stage.fleet().await.check(&plain).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn containers_are_hardened_unless_told_otherwise() {
    let stage = Stage::new();
    let limits = ResourceLimits::unlimited()
        .with_memory_bytes(NonZeroU64::new(64 << 20).unwrap())
        .with_nano_cpus(NonZeroU64::new(500_000_000).unwrap())
        .with_pids(NonZeroU64::new(64).unwrap());
    let strict = DockerFleet::connect(stage.config().with_limits(limits)).await.unwrap();
    let [first, second]: [_; 2] = requests(2, plain_image(&stage.api)).try_into().unwrap();

    let host = stage.inspect(&launch(&strict, first).await)["HostConfig"].clone();
    assert_eq!(host["ReadonlyRootfs"], true);
    assert_eq!(host["CapDrop"], json!(["ALL"]));
    assert_eq!(host["SecurityOpt"], json!(["no-new-privileges"]));
    assert_eq!(host["RestartPolicy"]["Name"], "no");
    assert_eq!(host["Privileged"], false);
    assert_eq!((&host["Memory"], &host["PidsLimit"]), (&json!(64 << 20), &json!(64)));
    assert_eq!(host["NanoCpus"], 500_000_000);

    let loosened = Hardening::strict()
        .with_writable_rootfs()
        .with_capability("NET_BIND_SERVICE")
        .with_new_privileges()
        .with_user("1000:1000")
        .with_tmpfs("/scratch", "size=1m");
    let config = stage.config().with_hardening(loosened).with_env("VERSION", "v7");
    let loose = DockerFleet::connect(config).await.unwrap();
    let container = stage.inspect(&launch(&loose, second).await);
    let host = &container["HostConfig"];
    assert_eq!(host["ReadonlyRootfs"], false);
    assert_eq!(host["CapDrop"], json!(["ALL"]));
    assert!(host["CapAdd"][0].as_str().unwrap().ends_with("NET_BIND_SERVICE"), "{host}");
    assert_eq!(host["Tmpfs"], json!({ "/scratch": "size=1m" }));
    assert_eq!(container["Config"]["User"], "1000:1000");
    assert!(container["Config"]["Env"].as_array().unwrap().contains(&json!("VERSION=v7")));
}
