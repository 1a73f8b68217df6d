//! Bad input: a clear error, and nothing is changed.

use std::sync::Arc;

use immutable_core::controller::ControllerError;
use immutable_core::error::with_causes;
use immutable_core::fleet::Fleet;
use immutable_core::{Digest, FleetId};
use immutable_docker::{DockerFleet, DockerFleetConfig, labels};
use immutable_lab::unique_name;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::stage::{self, Stage};

fn ids(stage: &Stage) -> Vec<Value> {
    stage.containers().iter().map(|container| container["Id"].clone()).collect()
}

#[test]
fn a_missing_image_is_refused() {
    let stage = Stage::running(3);
    let before = ids(&stage);
    let missing = Digest::of(b"never loaded");
    let error = stage.roll("second", missing, 3).unwrap_err();
    assert!(matches!(error, ControllerError::Refused { .. }), "{error:?}");
    let text = with_causes(&error);
    assert!(text.contains(&missing.to_string()) && text.contains("load"), "{text}");
    assert_eq!(ids(&stage), before);
}

#[test]
fn an_image_without_a_health_check_is_refused() {
    let stage = Stage::running(3);
    let before = ids(&stage);
    let error = stage.block_on(async {
        let [zone, ..] = &stage::zones()[..] else { unreachable!("three zones") };
        let config =
            DockerFleetConfig::new(stage.fleet_id.clone(), zone.clone()).with_socket(stage.lab.socket());
        let fleet = Arc::new(DockerFleet::connect(config).await.unwrap());
        let plan = stage.plan(&*fleet, "second", stage.images.v2, 3).await;
        stage.controller(fleet, stage.router()).run(&plan, &CancellationToken::new()).await.unwrap_err()
    });
    let text = with_causes(&error);
    assert!(matches!(error, ControllerError::Refused { .. }), "{text}");
    assert!(text.contains("HEALTHCHECK"), "{text}");
    assert_eq!(ids(&stage), before);
}

#[test]
fn a_container_with_labels_that_somebody_else_set_is_refused_and_left_alone() {
    let stage = Stage::running(3);
    let body = json!({
        "Image": stage.images.v1.to_string(),
        "Labels": { labels::FLEET: stage.fleet_id.to_string(), labels::SLOT: "first" },
    });
    let name = unique_name("foreign");
    stage.lab.api().post(&format!("/containers/create?name={name}"), &body).unwrap();
    let before = ids(&stage);
    let error = stage.block_on(async { stage.fleet().await.observe().await.unwrap_err() });
    let text = with_causes(&error);
    assert!(text.contains(&name) || text.contains("label"), "{text}");
    assert_eq!(ids(&stage), before);
}

#[test]
fn an_engine_that_cannot_be_reached_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("docker.sock");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let error = runtime.block_on(stage::connect(FleetId::new("web").unwrap(), &socket)).unwrap_err();
    let text = with_causes(&error);
    assert!(text.contains(&socket.display().to_string()), "{text}");
}

#[test]
fn a_journal_of_another_fleet_is_refused() {
    let mut stage = Stage::running(3);
    let before = ids(&stage);
    let owner = std::mem::replace(&mut stage.fleet_id, FleetId::new(unique_name("other")).unwrap());
    let error = stage.roll("first", stage.images.v1, 3).unwrap_err();
    let text = with_causes(&error);
    stage.fleet_id = owner;
    assert!(matches!(error, ControllerError::OtherFleet { .. }), "{text}");
    assert!(text.contains(stage.fleet_id.as_str()) && text.contains("another name"), "{text}");
    assert_eq!(ids(&stage), before);
}

#[test]
fn limits_that_contradict_themselves_are_refused() {
    let mut stage = Stage::running(3);
    let before = ids(&stage);
    stage.limits.max_surge = "0%".parse().unwrap();
    let error = stage.block_on(async {
        let fleet = stage.fleet().await;
        let snapshot = fleet.observe().await.unwrap();
        let rollout = immutable_core::RolloutId::new("second").unwrap();
        immutable_core::planner::PlanRequest::new(rollout, stage.images.v2, 3)
            .limits(stage.limits.clone())
            .zones(stage::zones())
            .plan(&snapshot, &immutable_core::strategy::Rolling::new())
            .unwrap_err()
    });
    let text = with_causes(&error);
    assert!(text.contains("max_surge 0%") && text.contains("max_unavailable 0"), "{text}");
    assert_eq!(ids(&stage), before);
}
