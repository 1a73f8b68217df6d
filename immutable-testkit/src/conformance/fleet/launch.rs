use std::time::Duration;

use futures_util::future::join_all;
use immutable_core::fleet::FleetError;
use immutable_core::{Attempt, Slot, Zone};

use super::FleetHarness;
use super::probe::{Probe, one};
use crate::conformance::outcome::{ensure, same};
use crate::conformance::{CaseResult, Outcome, Violation, within};

const BATCHES: CaseResult = Ok(Outcome::Absent { capability: "batches of several requests" });

/// The same request twice, one after the other, launches one instance and returns it both times; also after it has
/// become ready.
pub async fn launch_is_idempotent_by_token<H: FleetHarness + ?Sized>(harness: &H) -> CaseResult {
    let probe = Probe::new(harness);
    let request = probe.good_request(0)?;
    let first = probe.launch(&request).await?;
    same("the instance of the second launch", probe.launch(&request).await?, first.clone())?;
    probe.until_ready(&first).await?;
    same("the instance of a launch after it is ready", probe.launch(&request).await?, first.clone())?;
    probe.exactly_one(&request.token, &first).await?;
    Ok(Outcome::Held)
}

/// The same request from several callers at once, through all views, launches one instance.
pub async fn concurrent_launches_with_one_token_launch_once<H: FleetHarness + ?Sized>(
    harness: &H,
) -> CaseResult {
    let probe = Probe::new(harness);
    let other = harness.second_view().unwrap_or_else(|| harness.fleet());
    let requests = [probe.good_request(0)?];
    let calls = (0..6).map(|n| {
        let fleet = if n % 2 == 0 { &probe.fleet } else { &other };
        fleet.launch(&requests)
    });
    let mut seen = Vec::new();
    for results in join_all(calls).await {
        let [result] = one(results, "launch")?;
        seen.push(result?.instance);
    }
    seen.dedup();
    ensure(seen.len() == 1, || format!("launches with one token returned {seen:?}"))?;
    probe.exactly_one(&requests[0].token, &seen[0]).await?;
    Ok(Outcome::Held)
}

/// The same request twice in one batch launches one instance.
pub async fn one_batch_with_a_token_twice_launches_once<H: FleetHarness + ?Sized>(harness: &H) -> CaseResult {
    let probe = Probe::new(harness);
    if probe.batch(2) < 2 {
        return BATCHES;
    }
    let request = probe.good_request(0)?;
    let results = probe.fleet.launch(&[request.clone(), request.clone()]).await;
    let [first, second] = one(results, "launch")?;
    let first = first?.instance;
    same("the instance of the second request", second?.instance, first.clone())?;
    probe.exactly_one(&request.token, &first).await?;
    Ok(Outcome::Held)
}

/// Result number n of a batch belongs to request number n.
pub async fn launch_results_are_in_order<H: FleetHarness + ?Sized>(harness: &H) -> CaseResult {
    let probe = Probe::new(harness);
    // Not in the order of the slots, so that a fleet that sorts is noticed.
    let slots = [5, 1, 3, 2];
    let slots = &slots[..usize::try_from(probe.batch(4)).unwrap_or(1)];
    let requests = slots.iter().map(|slot| probe.good_request(*slot)).collect::<Result<Vec<_>, _>>()?;
    let results = probe.fleet.launch(&requests).await;
    same("results of the batch", results.len(), requests.len())?;
    for (request, result) in requests.iter().zip(results) {
        let id = result?.instance;
        let snapshot =
            probe.eventually(&format!("{id} is listed"), |snapshot| snapshot.get(&id).is_some()).await?;
        let slot = snapshot.get(&id).and_then(|i| i.origin.as_ref()).map(|origin| origin.slot);
        same(&format!("slot of {id}"), slot, Some(request.slot))?;
    }
    Ok(Outcome::Held)
}

/// An image that is not there is refused by `check` and by `launch`, with an error that no retry helps, and nothing is
/// launched.
pub async fn a_missing_image_is_refused_and_launches_nothing<H: FleetHarness + ?Sized>(
    harness: &H,
) -> CaseResult {
    let probe = Probe::new(harness);
    let image = harness.missing_image();
    match probe.fleet.check(&image).await {
        Err(FleetError::Invalid { .. }) => {}
        other => {
            return Err(Violation::new(format!("check of a missing image: expected Invalid, got {other:?}")));
        }
    }
    let request = probe.request(0, image)?;
    let [result] = one(probe.fleet.launch(std::slice::from_ref(&request)).await, "launch")?;
    ensure(matches!(result, Err(FleetError::Invalid { .. })), || {
        format!("launch of a missing image: expected Invalid, got {result:?}")
    })?;
    nothing_launched(&probe).await?;
    Ok(Outcome::Held)
}

/// A zone that is not among the capabilities is refused, and nothing is launched.
pub async fn an_unknown_zone_is_refused<H: FleetHarness + ?Sized>(harness: &H) -> CaseResult {
    let probe = Probe::new(harness);
    let mut request = probe.good_request(0)?;
    request.zone = Zone::new("no-such-zone").map_err(|error| Violation::new(error.to_string()))?;
    let [result] = one(probe.fleet.launch(&[request]).await, "launch")?;
    ensure(matches!(result, Err(FleetError::Invalid { .. })), || {
        format!("launch in an unknown zone: expected Invalid, got {result:?}")
    })?;
    nothing_launched(&probe).await?;
    Ok(Outcome::Held)
}

/// A token that launched one image is refused for another one: the instance that exists is not what was asked for.
pub async fn a_token_of_another_request_is_refused<H: FleetHarness + ?Sized>(harness: &H) -> CaseResult {
    let probe = Probe::new(harness);
    let request = probe.good_request(0)?;
    let id = probe.launch(&request).await?;
    let other = probe.request(0, harness.never_ready_image())?;
    same("token of the other request", &other.token, &request.token)?;
    let [result] = one(probe.fleet.launch(&[other]).await, "launch")?;
    ensure(result.is_err(), || format!("a token used for another image was accepted: {result:?}"))?;
    probe.exactly_one(&request.token, &id).await?;
    Ok(Outcome::Held)
}

/// One bad request of a batch fails, the others are done.
pub async fn a_batch_with_a_bad_request_does_the_others<H: FleetHarness + ?Sized>(harness: &H) -> CaseResult {
    let probe = Probe::new(harness);
    if probe.batch(3) < 3 {
        return BATCHES;
    }
    let requests =
        [probe.good_request(0)?, probe.request(1, harness.missing_image())?, probe.good_request(2)?];
    let [first, bad, last] = one(probe.fleet.launch(&requests).await, "launch")?;
    ensure(bad.is_err(), || format!("the bad request of a batch succeeded: {bad:?}"))?;
    for (request, result) in [(&requests[0], first), (&requests[2], last)] {
        probe.exactly_one(&request.token, &result?.instance).await?;
    }
    Ok(Outcome::Held)
}

/// A call that is given up at any moment has launched its instance or not; the same request again finishes it.
pub async fn a_dropped_launch_can_be_repeated<H: FleetHarness + ?Sized>(harness: &H) -> CaseResult {
    let probe = Probe::new(harness);
    for (slot, millis) in (0..).zip([0, 1, 5, 20, 60]) {
        let zone = probe.zone(slot)?;
        let rollout = probe.rollout.clone();
        let request =
            immutable_core::fleet::LaunchRequest::new(rollout, Slot(slot), Attempt(1), zone, probe.good);
        let requests = [request];
        let given_up =
            within(&*probe.clock, Duration::from_millis(millis), probe.fleet.launch(&requests)).await;
        let id = probe.launch(&requests[0]).await?;
        if let Some(results) = given_up {
            let [result] = one(results, "launch")?;
            same("the instance of the repeated launch", id.clone(), result?.instance)?;
        }
        probe.exactly_one(&requests[0].token, &id).await?;
        probe.until_ready(&id).await?;
    }
    Ok(Outcome::Held)
}

async fn nothing_launched(probe: &Probe) -> Result<(), Violation> {
    for _ in 0..3 {
        let snapshot = probe.fleet.observe().await?;
        let ours = snapshot
            .instances
            .iter()
            .find(|instance| instance.origin.as_ref().is_some_and(|origin| origin.rollout == probe.rollout));
        ensure(ours.is_none(), || format!("a refused request launched {ours:?}"))?;
        probe.rest().await;
    }
    Ok(())
}
