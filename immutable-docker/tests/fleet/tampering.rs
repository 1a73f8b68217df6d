use immutable_core::fleet::{Fleet, FleetError, TerminateRequest};
use serde_json::json;

use crate::stage::{Stage, checked_image, labels_of, launch, plain_image, request};

fn tampered(error: &FleetError) -> &str {
    let FleetError::Tampered { reason, .. } = error else { panic!("{error:?}") };
    assert!(reason.contains("docker rm -f"), "no way out: {reason}");
    reason
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_under_our_name_that_is_not_what_was_asked_for_is_named() {
    let stage = Stage::new();
    let fleet = stage.fleet().await;
    let (plain, other) = (plain_image(&stage.api), checked_image(&stage.api));
    let request = request(plain);
    let name = format!("{}-{}", stage.id, request.token);
    let right = labels_of(&stage, &request);

    let mut slot = right.clone();
    slot["immutable.slot"] = json!("7");
    for (image, labels, said) in [
        (plain, slot, "`immutable.slot` is `7`"),
        (plain, json!({}), "`immutable.fleet` is missing"),
        (other, right, "it runs image"),
    ] {
        let container = stage.create(&name, &image, &labels);
        let error = fleet.launch(std::slice::from_ref(&request)).await.remove(0).unwrap_err();
        assert!(tampered(&error).contains(said), "{error}");
        assert_eq!(stage.inspect(&container)["State"]["Status"], "created");
        stage.remove(&name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_with_our_label_only_is_reported_and_left_alone() {
    let stage = Stage::new();
    let fleet = stage.probed(&[]).await;
    let plain = plain_image(&stage.api);
    let ours = launch(&fleet, request(plain)).await;

    let mut labels = json!({ "immutable.fleet": stage.id.to_string() });
    for said in ["`immutable.rollout`", "`immutable.token`"] {
        let name = format!("{}-foreign", stage.id);
        let foreign = stage.create(&name, &plain, &labels);
        stage.start(&foreign);
        let error = fleet.observe().await.unwrap_err();
        let reason = tampered(&error);
        assert!(reason.contains(said) && reason.contains(&name), "{reason}");
        let error = fleet.terminate(&[TerminateRequest::new(foreign.clone())]).await.remove(0).unwrap_err();
        tampered(&error);
        assert_eq!(stage.inspect(&foreign)["State"]["Running"], true);
        stage.remove(foreign.as_str());

        labels = labels_of(&stage, &request(plain));
        labels["immutable.token"] = json!("not a token");
    }

    // Everything works again once it is gone.
    assert_eq!(fleet.observe().await.unwrap().instances[0].id, ours);
}

#[tokio::test(flavor = "multi_thread")]
async fn containers_of_others_are_neither_seen_nor_stopped() {
    let (mine, theirs) = (Stage::new(), Stage::new());
    let (my_fleet, their_fleet) = (mine.fleet().await, theirs.fleet().await);
    let plain = plain_image(&mine.api);
    let their = launch(&their_fleet, request(plain)).await;
    let nobodys = mine.create(&format!("{}-nobody", mine.id), &plain, &json!({}));
    mine.start(&nobodys);
    assert!(my_fleet.observe().await.unwrap().instances.is_empty());
    for instance in [&their, &nobodys] {
        let error =
            my_fleet.terminate(&[TerminateRequest::new(instance.clone())]).await.remove(0).unwrap_err();
        assert!(tampered(&error).contains("immutable.fleet"), "{error}");
        assert_eq!(mine.inspect(instance)["State"]["Running"], true);
    }
    mine.remove(nobodys.as_str());
}
