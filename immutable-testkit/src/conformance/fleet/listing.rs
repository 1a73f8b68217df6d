use immutable_core::fleet::{Instance, Origin};

use super::FleetHarness;
use super::probe::Probe;
use crate::conformance::outcome::{ensure, same};
use crate::conformance::{CaseResult, Outcome, Violation};

/// A fleet says that it has zones and takes requests, and says the same each time.
pub async fn capabilities_are_usable<H: FleetHarness + ?Sized>(harness: &H) -> CaseResult {
    let fleet = harness.fleet();
    let capabilities = fleet.capabilities();
    ensure(!capabilities.zones.is_empty(), || "the capabilities name no zone".to_owned())?;
    ensure(capabilities.max_batch > 0, || "a call takes no requests".to_owned())?;
    same("the capabilities of the second call", fleet.capabilities(), capabilities)?;
    Ok(Outcome::Held)
}

/// `check` accepts an image that can be launched.
pub async fn a_good_image_passes_the_check<H: FleetHarness + ?Sized>(harness: &H) -> CaseResult {
    harness.fleet().check(&harness.good_image()).await?;
    Ok(Outcome::Held)
}

/// An instance shows the launch it came from, the image and the zone that were asked for, in every zone.
pub async fn launched_instances_show_origin_image_and_zone<H: FleetHarness + ?Sized>(
    harness: &H,
) -> CaseResult {
    let probe = Probe::new(harness);
    let zones = u32::try_from(probe.fleet.capabilities().zones.len()).unwrap_or(u32::MAX);
    let before = probe.clock.now();
    for slot in 0..zones.min(3) {
        let request = probe.good_request(slot)?;
        let id = probe.launch(&request).await?;
        let listed = probe.eventually(&format!("{id} is listed"), |s| s.get(&id).is_some()).await?;
        let instance = listed.get(&id).ok_or_else(|| Violation::new("an instance is lost"))?;
        let origin = Origin {
            rollout: request.rollout,
            slot: request.slot,
            attempt: request.attempt,
            token: request.token,
        };
        same("origin", instance.origin.as_ref(), Some(&origin))?;
        same("image", instance.image, request.image)?;
        same("zone", &instance.zone, &request.zone)?;
        // The platform's clock may be off, but an instance is not launched minutes before it was asked for.
        let early = before.since(instance.launched_at);
        ensure(early.as_secs() < 300, || format!("{id} was launched {early:?} before the request"))?;
    }
    Ok(Outcome::Held)
}

/// An instance of a good image becomes ready, and then has an endpoint.
pub async fn a_launched_instance_becomes_ready<H: FleetHarness + ?Sized>(harness: &H) -> CaseResult {
    let ready = Probe::new(harness).ready(0).await?;
    ensure(ready.endpoint.is_some(), || format!("{} is ready and has no endpoint", ready.id))?;
    Ok(Outcome::Held)
}

/// An instance that fails its health check is launched, and is never shown as ready.
pub async fn a_never_ready_image_never_becomes_ready<H: FleetHarness + ?Sized>(harness: &H) -> CaseResult {
    let probe = Probe::new(harness);
    let id = probe.launch(&probe.request(0, harness.never_ready_image())?).await?;
    probe.eventually(&format!("{id} is listed"), |snapshot| snapshot.get(&id).is_some()).await?;
    let end = probe.clock.now() + harness.watch_never_ready();
    while probe.clock.now() < end {
        let snapshot = probe.fleet.observe().await?;
        ensure(!snapshot.get(&id).is_some_and(Instance::is_ready), || {
            format!("{id} fails its health check and is shown as ready")
        })?;
        probe.rest().await;
    }
    Ok(Outcome::Held)
}

/// A snapshot names its fleet and lists each instance once, in order; revisions do not go back.
pub async fn snapshots_are_sorted_and_their_revisions_grow<H: FleetHarness + ?Sized>(
    harness: &H,
) -> CaseResult {
    let probe = Probe::new(harness);
    let mut revision = 0;
    for slot in 0..4 {
        let id = probe.launch(&probe.good_request(slot)?).await?;
        let snapshot = probe.eventually(&format!("{id} is listed"), |s| s.get(&id).is_some()).await?;
        same("the fleet of the snapshot", &snapshot.fleet, probe.fleet.id())?;
        ensure(snapshot.instances.is_sorted_by(|a, b| a.id < b.id), || {
            let ids: Vec<_> = snapshot.instances.iter().map(|instance| &instance.id).collect();
            format!("the snapshot is not sorted, or names an instance twice: {ids:?}")
        })?;
        ensure(snapshot.revision >= revision, || {
            format!("the revision went back from {revision} to {}", snapshot.revision)
        })?;
        revision = snapshot.revision;
    }
    Ok(Outcome::Held)
}

/// What one process launched, another one sees with the same facts.
pub async fn another_view_shows_the_same_instances<H: FleetHarness + ?Sized>(harness: &H) -> CaseResult {
    let Some(other) = harness.second_view() else {
        return Ok(Outcome::Absent { capability: "second view in its harness" });
    };
    let probe = Probe::new(harness);
    let ready = probe.ready(0).await?;
    let theirs = probe.through(other);
    same("the instance through the other view", theirs.until_ready(&ready.id).await?, ready)?;
    Ok(Outcome::Held)
}

/// A fleet shows its own instances only.
pub async fn instances_of_another_fleet_are_not_shown<H: FleetHarness + ?Sized>(harness: &H) -> CaseResult {
    let Some(other) = harness.other_fleet() else {
        return Ok(Outcome::Absent { capability: "other fleet in its harness" });
    };
    let ours = Probe::new(harness);
    let theirs = Probe::new(harness).through(other);
    ensure(ours.fleet.id() != theirs.fleet.id(), || "the harness gave one fleet twice".to_owned())?;
    let foreign = theirs.ready(0).await?.id;
    let own = ours.ready(1).await?.id;
    for _ in 0..3 {
        let (seen_here, seen_there) = (ours.fleet.observe().await?, theirs.fleet.observe().await?);
        ensure(seen_here.get(&foreign).is_none() && seen_there.get(&own).is_none(), || {
            format!("an instance is shown by a fleet that it does not belong to: {foreign} or {own}")
        })?;
        ours.rest().await;
    }
    Ok(Outcome::Held)
}
