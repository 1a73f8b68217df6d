use std::net::SocketAddr;

use immutable_core::InstanceId;
use immutable_core::fleet::{Route, RouteChange, RouteState, Weight};

use super::RouterHarness;
use crate::conformance::outcome::ensure;
use crate::conformance::{CaseResult, Outcome, Violation};

/// What a route must be, without what depends on traffic.
type Expected = (InstanceId, SocketAddr, RouteState);

fn weight(weight: u16) -> Result<Weight, Violation> {
    Weight::new(weight).map_err(|error| Violation::new(error.to_string()))
}

fn serve<H: RouterHarness + ?Sized>(harness: &H, n: u8, weight: Weight) -> RouteChange {
    RouteChange::Serve { instance: harness.instance(n), endpoint: harness.endpoint(n, false), weight }
}

fn drain<H: RouterHarness + ?Sized>(harness: &H, n: u8) -> RouteChange {
    RouteChange::Drain { instance: harness.instance(n) }
}

fn detach<H: RouterHarness + ?Sized>(harness: &H, n: u8) -> RouteChange {
    RouteChange::Detach { instance: harness.instance(n) }
}

fn route<H: RouterHarness + ?Sized>(harness: &H, n: u8, state: RouteState) -> Expected {
    (harness.instance(n), harness.endpoint(n, false), state)
}

/// Looks until the routes are as expected.
async fn shows<H: RouterHarness + ?Sized>(harness: &H, mut expected: Vec<Expected>) -> Result<(), Violation> {
    expected.sort_by(|a, b| a.0.cmp(&b.0));
    let clock = harness.clock();
    let deadline = clock.now() + harness.patience();
    loop {
        let routes: Vec<Route> = harness.router().observe().await?;
        let seen: Vec<Expected> =
            routes.into_iter().map(|route| (route.instance, route.endpoint, route.state)).collect();
        if seen == expected {
            return Ok(());
        }
        ensure(clock.now() < deadline, || format!("routes: expected {expected:?}, saw {seen:?}"))?;
        clock.sleep_until(clock.now() + harness.poll_interval()).await;
    }
}

/// Applies the changes as one call, twice, and looks each time.
async fn twice<H: RouterHarness + ?Sized>(
    harness: &H,
    changes: &[RouteChange],
    expected: &[Expected],
) -> CaseResult {
    for _ in 0..2 {
        harness.router().apply(changes).await?;
        shows(harness, expected.to_vec()).await?;
    }
    Ok(Outcome::Held)
}

const FULL: RouteState = RouteState::Serving(Weight::FULL);

/// The same route twice is one route.
pub async fn serve_may_be_repeated<H: RouterHarness + ?Sized>(harness: &H) -> CaseResult {
    twice(harness, &[serve(harness, 0, Weight::FULL)], &[route(harness, 0, FULL)]).await
}

/// A weight can be changed, to the largest and back.
pub async fn a_weight_changes<H: RouterHarness + ?Sized>(harness: &H) -> CaseResult {
    for weight in [weight(1)?, Weight::MAX, weight(37)?, Weight::FULL] {
        harness.router().apply(&[serve(harness, 0, weight)]).await?;
        shows(harness, vec![route(harness, 0, RouteState::Serving(weight))]).await?;
    }
    Ok(Outcome::Held)
}

/// Weight zero is not a drain: the route still says that it serves.
pub async fn weight_zero_is_a_route_without_traffic<H: RouterHarness + ?Sized>(harness: &H) -> CaseResult {
    let expected = [route(harness, 0, RouteState::Serving(Weight::ZERO))];
    twice(harness, &[serve(harness, 0, Weight::ZERO)], &expected).await
}

/// A drained instance keeps its route, so that its open requests can be seen.
pub async fn drain_keeps_the_route<H: RouterHarness + ?Sized>(harness: &H) -> CaseResult {
    harness.router().apply(&[serve(harness, 0, Weight::FULL), serve(harness, 1, Weight::FULL)]).await?;
    harness.router().apply(&[drain(harness, 0)]).await?;
    shows(harness, vec![route(harness, 0, RouteState::Draining), route(harness, 1, FULL)]).await?;
    Ok(Outcome::Held)
}

/// The same drain twice is one drain.
pub async fn drain_may_be_repeated<H: RouterHarness + ?Sized>(harness: &H) -> CaseResult {
    harness.router().apply(&[serve(harness, 0, Weight::FULL)]).await?;
    twice(harness, &[drain(harness, 0)], &[route(harness, 0, RouteState::Draining)]).await
}

/// A drain of an instance without a route does nothing, and the changes after it are made.
pub async fn drain_of_an_unknown_instance_does_nothing<H: RouterHarness + ?Sized>(harness: &H) -> CaseResult {
    let changes = [drain(harness, 7), serve(harness, 0, Weight::FULL)];
    twice(harness, &changes, &[route(harness, 0, FULL)]).await
}

/// A detached instance has no route, the others keep theirs.
pub async fn detach_forgets_the_route<H: RouterHarness + ?Sized>(harness: &H) -> CaseResult {
    harness.router().apply(&[serve(harness, 0, Weight::FULL), serve(harness, 1, Weight::FULL)]).await?;
    harness.router().apply(&[drain(harness, 0), detach(harness, 0)]).await?;
    shows(harness, vec![route(harness, 1, FULL)]).await?;
    Ok(Outcome::Held)
}

/// The same detach twice is one detach; also of an instance that still serves.
pub async fn detach_may_be_repeated<H: RouterHarness + ?Sized>(harness: &H) -> CaseResult {
    harness.router().apply(&[serve(harness, 0, Weight::FULL)]).await?;
    twice(harness, &[detach(harness, 0)], &[]).await
}

/// A detach of an instance without a route does nothing, and the changes after it are made.
pub async fn detach_of_an_unknown_instance_does_nothing<H: RouterHarness + ?Sized>(
    harness: &H,
) -> CaseResult {
    let changes = [detach(harness, 7), serve(harness, 0, Weight::FULL)];
    twice(harness, &changes, &[route(harness, 0, FULL)]).await
}

/// Routes are observed in order of the instances, in whatever order they were made.
pub async fn observe_is_in_order_of_the_instances<H: RouterHarness + ?Sized>(harness: &H) -> CaseResult {
    let order = [4, 0, 3, 1, 2];
    let changes: Vec<_> = order.iter().map(|n| serve(harness, *n, Weight::FULL)).collect();
    harness.router().apply(&changes).await?;
    shows(harness, order.iter().map(|n| route(harness, *n, FULL)).collect()).await?;
    Ok(Outcome::Held)
}

/// The changes of one call are made in order.
pub async fn changes_are_made_in_order<H: RouterHarness + ?Sized>(harness: &H) -> CaseResult {
    let heavy = weight(200)?;
    let changes = [
        serve(harness, 0, Weight::FULL),
        detach(harness, 0),
        serve(harness, 1, Weight::FULL),
        drain(harness, 1),
        serve(harness, 2, Weight::FULL),
        serve(harness, 2, heavy),
        detach(harness, 3),
        serve(harness, 3, Weight::FULL),
    ];
    let expected = [
        route(harness, 1, RouteState::Draining),
        route(harness, 2, RouteState::Serving(heavy)),
        route(harness, 3, FULL),
    ];
    twice(harness, &changes, &expected).await
}

/// An instance whose address has changed is served there, on the same route.
pub async fn a_changed_address_is_taken_over<H: RouterHarness + ?Sized>(harness: &H) -> CaseResult {
    harness.router().apply(&[serve(harness, 0, Weight::FULL)]).await?;
    shows(harness, vec![route(harness, 0, FULL)]).await?;
    let (instance, endpoint) = (harness.instance(0), harness.endpoint(0, true));
    let moved = RouteChange::Serve { instance: instance.clone(), endpoint, weight: Weight::FULL };
    twice(harness, &[moved], &[(instance, endpoint, FULL)]).await
}

/// After a restart, with or without its routes, a router answers and can be given what it must be.
pub async fn a_restart_can_be_repaired<H: RouterHarness + ?Sized>(harness: &H) -> CaseResult {
    let changes = [serve(harness, 0, Weight::FULL), serve(harness, 1, weight(50)?)];
    let half = RouteState::Serving(weight(50)?);
    harness.router().apply(&changes).await?;
    if !harness.restart().await {
        return Ok(Outcome::Absent { capability: "restart in its harness" });
    }
    let clock = harness.clock();
    let deadline = clock.now() + harness.patience();
    while let Err(error) = harness.router().observe().await {
        ensure(clock.now() < deadline, || format!("no answer after a restart: {error}"))?;
        clock.sleep_until(clock.now() + harness.poll_interval()).await;
    }
    twice(harness, &changes, &[route(harness, 0, FULL), route(harness, 1, half)]).await
}
