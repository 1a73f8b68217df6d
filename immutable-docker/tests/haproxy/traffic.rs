//! Where requests go.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use immutable_core::fleet::Router;
use immutable_docker::haproxy::{HaproxyRouter, ServerOptions};

use super::custom::free_addr;
use super::web::{Client, Web};
use super::{config, drain, proxy, router, serve, serving, shown};

/// Who answered how many of these requests, sent one after the other over a few keep-alive connections.
async fn shares(proxy: SocketAddr, requests: usize) -> BTreeMap<String, usize> {
    let mut clients = Vec::new();
    for _ in 0..4 {
        clients.push(Client::connect(proxy).await);
    }
    let mut shares = BTreeMap::new();
    for request in 0..requests {
        let client = &mut clients[request % 4];
        *shares.entry(client.get("/").await.unwrap()).or_default() += 1;
    }
    shares
}

fn share(shares: &BTreeMap<String, usize>, name: &str) -> usize {
    shares.get(name).copied().unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_get_their_share() {
    let proxy = proxy();
    let router = router(&proxy);
    let (a, b) = (Web::start("a").await, Web::start("b").await);

    router.apply(&[serve("a", a.addr, 150), serve("b", b.addr, 50)]).await.unwrap();
    let measured = shares(proxy.addr(), 400).await;
    assert!((292..=308).contains(&share(&measured, "a")), "{measured:?}");

    router.apply(&[serve("a", a.addr, 99), serve("b", b.addr, 1)]).await.unwrap();
    let measured = shares(proxy.addr(), 400).await;
    assert!((2..=6).contains(&share(&measured, "b")), "{measured:?}");

    router.apply(&[serve("a", a.addr, 0), serve("b", b.addr, 1)]).await.unwrap();
    assert_eq!(share(&shares(proxy.addr(), 50).await, "b"), 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_with_another_address_is_reached_there() {
    let proxy = proxy();
    let router = router(&proxy);
    let (old, new) = (Web::start("old").await, Web::start("new").await);
    router.apply(&[serve("a", old.addr, 100)]).await.unwrap();
    assert_eq!(share(&shares(proxy.addr(), 10).await, "old"), 10);
    router.apply(&[serve("a", new.addr, 100)]).await.unwrap();
    assert_eq!(share(&shares(proxy.addr(), 10).await, "new"), 10);
    assert_eq!(shown(&router).await, [serving("a", new.addr, 100)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_are_reused_when_asked_for() {
    let proxy = proxy();
    let (each, few) = (Web::start("each").await, Web::start("few").await);
    let plain = router(&proxy);
    plain.apply(&[serve("each", each.addr, 100)]).await.unwrap();
    shares(proxy.addr(), 100).await;
    plain.apply(&[drain("each")]).await.unwrap();

    let mut config = config(proxy.admin_socket());
    config.server.idle_connections = Some(16);
    HaproxyRouter::new(config).apply(&[serve("few", few.addr, 100)]).await.unwrap();
    shares(proxy.addr(), 100).await;

    assert!(few.connections() < 10, "{} connections", few.connections());
    assert!(each.connections() > few.connections(), "{} connections", each.connections());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checked_server_that_is_down_gets_nothing() {
    let proxy = proxy();
    let mut config = config(proxy.admin_socket());
    config.server = ServerOptions { check: Some(Duration::from_millis(50)), ..ServerOptions::default() };
    let router = HaproxyRouter::new(config);
    let up = Web::start("up").await;
    router.apply(&[serve("down", free_addr(), 100), serve("up", up.addr, 100)]).await.unwrap();

    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while share_of_up(proxy.addr()).await < 20 {
        assert!(std::time::Instant::now() < deadline, "the check never took the dead server out");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(router.observe().await.unwrap().len(), 2);
}

/// How many of 20 requests were answered well.
async fn share_of_up(proxy: SocketAddr) -> usize {
    let mut good = 0;
    for _ in 0..20 {
        good += usize::from(Client::connect(proxy).await.get("/").await.is_ok());
    }
    good
}
