use futures_util::future::join;
use immutable_core::fleet::Instance;

use super::FleetHarness;
use super::probe::Probe;
use crate::conformance::outcome::ensure;
use crate::conformance::{CaseResult, Outcome, within};

/// A fleet without events must never return from `changed`, or callers that trust it would spin.
async fn no_events(probe: &Probe) -> CaseResult {
    let early = async {
        probe.rest().await;
        probe.launch(&probe.good_request(0)?).await
    };
    let (returned, launched) =
        join(within(&*probe.clock, std::time::Duration::from_secs(2), probe.fleet.changed(0)), early).await;
    launched?;
    ensure(returned.is_none(), || "`changed` returned without the capability `events`".to_owned())?;
    Ok(Outcome::Absent { capability: "events" })
}

/// A wait that began before a launch ends with it.
pub async fn changed_wakes_on_a_launch<H: FleetHarness + ?Sized>(harness: &H) -> CaseResult {
    let probe = Probe::new(harness);
    if !probe.fleet.capabilities().events {
        return no_events(&probe).await;
    }
    let seen = probe.fleet.observe().await?.revision;
    let request = probe.good_request(0)?;
    let launch = async {
        probe.rest().await;
        probe.launch(&request).await
    };
    let (woken, launched) =
        join(probe.soon("changed returns after a launch", probe.fleet.changed(seen)), launch).await;
    launched?;
    woken?;
    Ok(Outcome::Held)
}

/// Whoever only observes after `changed` has returned sees an instance become ready: no change is lost.
pub async fn changed_wakes_when_an_instance_becomes_ready<H: FleetHarness + ?Sized>(
    harness: &H,
) -> CaseResult {
    let probe = Probe::new(harness);
    if !probe.fleet.capabilities().events {
        return no_events(&probe).await;
    }
    let id = probe.launch(&probe.good_request(0)?).await?;
    let watch = async {
        loop {
            let snapshot = probe.fleet.observe().await?;
            if snapshot.get(&id).is_some_and(Instance::is_ready) {
                return Ok(Outcome::Held);
            }
            probe.fleet.changed(snapshot.revision).await;
        }
    };
    probe.soon("changed leads to an instance that is ready", watch).await?
}

/// A wait that began before a termination ends with it.
pub async fn changed_wakes_on_a_termination<H: FleetHarness + ?Sized>(harness: &H) -> CaseResult {
    let probe = Probe::new(harness);
    if !probe.fleet.capabilities().events {
        return no_events(&probe).await;
    }
    let id = probe.ready(0).await?.id;
    let seen = probe.fleet.observe().await?.revision;
    let terminate = async {
        probe.rest().await;
        probe.terminate(&id).await
    };
    let (woken, gone) =
        join(probe.soon("changed returns after a termination", probe.fleet.changed(seen)), terminate).await;
    gone?;
    woken?;
    let watch = async {
        loop {
            let snapshot = probe.fleet.observe().await?;
            if snapshot.get(&id).is_none() {
                return Ok(Outcome::Held);
            }
            probe.fleet.changed(snapshot.revision).await;
        }
    };
    probe.soon("changed leads to an instance that is gone", watch).await?
}

/// A revision from before a change that was observed is stale: `changed` does not wait, each time it is asked.
pub async fn changed_returns_at_once_for_a_stale_revision<H: FleetHarness + ?Sized>(
    harness: &H,
) -> CaseResult {
    let probe = Probe::new(harness);
    if !probe.fleet.capabilities().events {
        return no_events(&probe).await;
    }
    let stale = probe.fleet.observe().await?.revision;
    let id = probe.ready(0).await?.id;
    for _ in 0..3 {
        let at_once = within(&*probe.clock, harness.poll_interval(), probe.fleet.changed(stale)).await;
        ensure(at_once.is_some(), || {
            format!("changed({stale}) waits, though {id} was launched after that revision")
        })?;
    }
    Ok(Outcome::Held)
}
