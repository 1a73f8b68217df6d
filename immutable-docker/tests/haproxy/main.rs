//! The HAProxy router on real HAProxy processes. Without the `haproxy` binary these tests fail; they never skip.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test whose setup fails must fail")]

mod broken;
mod custom;
mod draining;
mod refusals;
mod routes;
mod traffic;
mod web;

use std::net::SocketAddr;
use std::path::Path;

use immutable_core::InstanceId;
use immutable_core::fleet::{Route, RouteChange, RouteState, Router, Weight};
use immutable_docker::haproxy::{AdminAddress, BackendName, HaproxyConfig, HaproxyRouter};
use immutable_lab::{Haproxy, HaproxyOptions};

fn proxy() -> Haproxy {
    Haproxy::start(HaproxyOptions::new("web")).unwrap()
}

fn config(socket: &Path) -> HaproxyConfig {
    HaproxyConfig::new(AdminAddress::unix(socket), BackendName::new("web").unwrap())
}

fn router(proxy: &Haproxy) -> HaproxyRouter {
    HaproxyRouter::new(config(proxy.admin_socket()))
}

fn id(text: &str) -> InstanceId {
    InstanceId::new(text).unwrap()
}

fn weight(weight: u16) -> Weight {
    Weight::new(weight).unwrap()
}

fn serve(instance: &str, endpoint: SocketAddr, share: u16) -> RouteChange {
    RouteChange::Serve { instance: id(instance), endpoint, weight: weight(share) }
}

fn drain(instance: &str) -> RouteChange {
    RouteChange::Drain { instance: id(instance) }
}

fn detach(instance: &str) -> RouteChange {
    RouteChange::Detach { instance: id(instance) }
}

fn serving(instance: &str, endpoint: SocketAddr, share: u16) -> Route {
    Route::new(id(instance), endpoint, RouteState::Serving(weight(share)))
}

fn draining(instance: &str, endpoint: SocketAddr) -> Route {
    Route::new(id(instance), endpoint, RouteState::Draining)
}

/// The routes without their sessions: a client may have its answer before HAProxy counted the request as done.
async fn shown(router: &HaproxyRouter) -> Vec<Route> {
    let mut routes = router.observe().await.unwrap();
    for route in &mut routes {
        route.sessions = 0;
    }
    routes
}

async fn sessions(router: &HaproxyRouter, instance: &str) -> u32 {
    let routes = router.observe().await.unwrap();
    routes.iter().find(|route| route.instance == id(instance)).unwrap().sessions
}

/// An error with all its causes, as a user reads it.
fn full(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
