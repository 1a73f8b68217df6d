use immutable_core::InstanceId;
use immutable_core::fleet::{Fleet, FleetError, TerminateRequest};

use crate::stage::{Stage, labels_of, launch, plain_image, request, requests, terminate, until};

#[tokio::test(flavor = "multi_thread")]
async fn termination_is_proved_and_may_be_repeated_by_anybody() {
    let stage = Stage::new();
    let (one, other) = (stage.fleet().await, stage.fleet().await);
    let launched = launch(&one, request(plain_image(&stage.api))).await;
    let request = [TerminateRequest::new(launched.clone()), TerminateRequest::new(launched.clone())];
    let (mine, theirs) = tokio::join!(one.terminate(&request), other.terminate(&request));
    for terminated in mine.into_iter().chain(theirs) {
        assert_eq!(terminated.unwrap().instance, launched);
    }
    assert!(stage.containers().is_empty());
    terminate(&one, &launched).await;
    until(&other, <[_]>::is_empty).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn containers_in_any_state_are_removed() {
    let stage = Stage::new();
    let fleet = stage.fleet().await;
    let [a, b, c]: [_; 3] = requests(3, plain_image(&stage.api)).try_into().unwrap();
    let name = format!("{}-{}", stage.id, a.token);
    let created = stage.create(&name, &a.image, &labels_of(&stage, &a));
    let (paused, ended) = (launch(&fleet, b).await, launch(&fleet, c).await);
    stage.post(&paused, "pause");
    stage.signal(&ended, "KILL");
    let requests = [created, paused, ended].map(TerminateRequest::new);
    for (terminated, request) in fleet.terminate(&requests).await.into_iter().zip(&requests) {
        assert_eq!(terminated.unwrap().instance, request.instance);
    }
    assert!(stage.containers().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_ids_are_taken_and_an_unknown_one_is_gone() {
    let stage = Stage::new();
    let fleet = stage.fleet().await;
    terminate(&fleet, &InstanceId::new("0".repeat(64)).unwrap()).await;
    let request = request(plain_image(&stage.api));
    let launched = launch(&fleet, request.clone()).await;
    // The engine would take all of these for something.
    let name = format!("{}-{}", stage.id, request.token);
    for bad in [name.as_str(), &launched.as_str()[..12], ".."] {
        let instance = InstanceId::new(bad).unwrap();
        let error = fleet.terminate(&[TerminateRequest::new(instance)]).await.remove(0).unwrap_err();
        assert!(matches!(error, FleetError::Invalid { .. }), "{error:?}");
    }
    assert_eq!(stage.containers().len(), 1);
}
