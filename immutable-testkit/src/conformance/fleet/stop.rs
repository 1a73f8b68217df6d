use std::time::Duration;

use futures_util::future::join_all;
use immutable_core::fleet::{DrainRequest, TerminateRequest};

use super::FleetHarness;
use super::probe::{Probe, one};
use crate::conformance::outcome::{ensure, same};
use crate::conformance::{CaseResult, Outcome, within};

/// `terminate` returns a proof for each instance, in order, and they are listed no more.
pub async fn terminate_proves_that_instances_are_gone<H: FleetHarness + ?Sized>(harness: &H) -> CaseResult {
    let probe = Probe::new(harness);
    let mut ids = Vec::new();
    for slot in 0..probe.batch(3) {
        ids.push(probe.ready(slot).await?.id);
    }
    ids.reverse();
    let requests: Vec<_> = ids.iter().cloned().map(TerminateRequest::new).collect();
    let results = probe.fleet.terminate(&requests).await;
    same("results of the batch", results.len(), ids.len())?;
    for (result, id) in results.into_iter().zip(&ids) {
        same("the instance of the proof", &result?.instance, id)?;
    }
    for id in ids {
        probe.eventually(&format!("{id} is not listed"), |snapshot| snapshot.get(&id).is_none()).await?;
    }
    Ok(Outcome::Held)
}

/// A termination may be repeated, by several callers at once and after the end, also of an instance that still boots.
pub async fn terminate_may_be_repeated<H: FleetHarness + ?Sized>(harness: &H) -> CaseResult {
    let probe = Probe::new(harness);
    let id = probe.launch(&probe.good_request(0)?).await?;
    let other = harness.second_view().unwrap_or_else(|| harness.fleet());
    let requests = [TerminateRequest::new(id.clone())];
    let calls = (0..4).map(|n| {
        let fleet = if n % 2 == 0 { &probe.fleet } else { &other };
        fleet.terminate(&requests)
    });
    for results in join_all(calls).await {
        let [result] = one(results, "terminate")?;
        same("the instance of the proof", &result?.instance, &id)?;
    }
    probe.terminate(&id).await?;
    Ok(Outcome::Held)
}

/// An instance that the platform does not know is gone: success.
pub async fn terminate_of_an_unknown_instance_succeeds<H: FleetHarness + ?Sized>(harness: &H) -> CaseResult {
    Probe::new(harness).terminate(&harness.unknown_instance()).await?;
    Ok(Outcome::Held)
}

/// A call that is given up at any moment can be repeated, and then the instance is gone.
pub async fn a_dropped_terminate_can_be_repeated<H: FleetHarness + ?Sized>(harness: &H) -> CaseResult {
    let probe = Probe::new(harness);
    for (slot, millis) in (0..).zip([0, 5, 50]) {
        let id = probe.ready(slot).await?.id;
        let requests = [TerminateRequest::new(id.clone())];
        let _ = within(&*probe.clock, Duration::from_millis(millis), probe.fleet.terminate(&requests)).await;
        probe.terminate(&id).await?;
        probe.eventually(&format!("{id} is not listed"), |snapshot| snapshot.get(&id).is_none()).await?;
    }
    Ok(Outcome::Held)
}

/// `drain` answers each request, may be repeated, and stops nothing. Without the capability it does nothing at all.
pub async fn drain_may_be_repeated_and_stops_nothing<H: FleetHarness + ?Sized>(harness: &H) -> CaseResult {
    let probe = Probe::new(harness);
    let before = probe.ready(0).await?;
    for _ in 0..2 {
        let [result] = one(probe.fleet.drain(&[DrainRequest::new(before.id.clone())]).await, "drain")?;
        result?;
    }
    probe.rest().await;
    let after = probe.fleet.observe().await?.get(&before.id).cloned();
    if probe.fleet.capabilities().drain {
        ensure(after.is_some(), || format!("drain removed {}", before.id))?;
        return Ok(Outcome::Held);
    }
    same("the instance after a drain without the capability", after, Some(before))?;
    Ok(Outcome::Absent { capability: "drain" })
}
