//! Nothing that was begun is lost by a drain, and nothing new reaches a drained instance.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use immutable_core::fleet::Router;
use immutable_docker::haproxy::{DrainMode, HaproxyRouter};

use super::custom::Custom;
use super::web::{Client, Web};
use super::{config, detach, drain, draining, proxy, router, serve, sessions, shown};

async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !done().await {
        assert!(Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_request_is_finished_and_counted_until_then() {
    let proxy = proxy();
    let router = router(&proxy);
    let (a, b) = (Web::start("a").await, Web::start("b").await);
    router.apply(&[serve("a", a.addr, 100)]).await.unwrap();

    let mut client = Client::connect(proxy.addr()).await;
    let slow = tokio::spawn(async move { (client.get("/slow").await, client) });
    until("the request arrives", async || a.requests() == 1).await;
    assert_eq!(sessions(&router, "a").await, 1);

    router.apply(&[serve("b", b.addr, 100), drain("a")]).await.unwrap();
    assert_eq!(Client::connect(proxy.addr()).await.get("/").await.unwrap(), "b");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(sessions(&router, "a").await, 1);

    a.release();
    let (answer, mut client) = slow.await.unwrap();
    assert_eq!(answer.unwrap(), "a");
    until("the session ends", async || sessions(&router, "a").await == 0).await;
    // The same client connection goes on with another server.
    assert_eq!(client.get("/").await.unwrap(), "b");
    assert!(shown(&router).await.contains(&draining("a", a.addr)));
}

/// Under `maxconn`, requests wait in the queue of the backend: whichever server has room first takes them.
#[tokio::test(flavor = "multi_thread")]
async fn requests_that_wait_do_not_go_to_a_drained_instance() {
    let proxy = proxy();
    let mut config = config(proxy.admin_socket());
    config.server.maxconn = Some(1);
    let router = HaproxyRouter::new(config);
    let (a, b) = (Web::start("a").await, Web::start("b").await);
    router.apply(&[serve("a", a.addr, 100)]).await.unwrap();

    let mut clients = Vec::new();
    for _ in 0..4 {
        let mut client = Client::connect(proxy.addr()).await;
        clients.push(tokio::spawn(async move { client.get("/slow").await }));
    }
    until("three wait", async || proxy.command("show stat web 2 -1").unwrap().contains("BACKEND,3,")).await;
    router.apply(&[drain("a"), serve("b", b.addr, 100)]).await.unwrap();
    assert_eq!(sessions(&router, "a").await, 1);
    for _ in 0..4 {
        a.release();
        b.release();
    }
    let mut answers = Vec::new();
    for client in clients {
        answers.push(client.await.unwrap().unwrap());
    }
    answers.sort();
    assert_eq!(answers, ["a", "b", "b", "b"]);
    until("all are done", async || sessions(&router, "a").await == 0).await;
}

/// The stale connection risk: HAProxy keeps connections to the drained server, and clients keep theirs to HAProxy.
#[tokio::test(flavor = "multi_thread")]
async fn a_drained_instance_without_sessions_gets_nothing_more_from_keep_alive_clients() {
    let proxy = proxy();
    let mut config = config(proxy.admin_socket());
    config.server.idle_connections = Some(64);
    let router = HaproxyRouter::new(config);
    let (a, b) = (Web::start("a").await, Web::start("b").await);
    router.apply(&[serve("b", b.addr, 100)]).await.unwrap();

    let stop = Arc::new(AtomicBool::new(false));
    let mut clients = Vec::new();
    for _ in 0..8 {
        let (stop, addr) = (Arc::clone(&stop), proxy.addr());
        clients.push(tokio::spawn(async move {
            let mut client = Client::connect(addr).await;
            let mut requests = 0;
            while !stop.load(Ordering::SeqCst) {
                client.get("/").await.unwrap();
                requests += 1;
            }
            requests
        }));
    }

    for _ in 0..10 {
        router.apply(&[serve("a", a.addr, 100)]).await.unwrap();
        let before = a.requests();
        until("it gets requests", async || a.requests() > before + 20).await;
        router.apply(&[drain("a")]).await.unwrap();
        until("its sessions end", async || sessions(&router, "a").await == 0).await;
        let quiet = a.requests();
        tokio::time::sleep(Duration::from_millis(150)).await;
        assert_eq!(a.requests(), quiet, "requests after the drain and the end of all sessions");
        // Idle connections do not keep the server from being deleted, and deleting it costs no request.
        router.apply(&[detach("a")]).await.unwrap();
    }

    stop.store(true, Ordering::SeqCst);
    let mut total = 0;
    for client in clients {
        total += client.await.expect("a client lost a request");
    }
    println!("{total} requests, none lost");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_detached_instance_loses_the_sessions_it_still_has() {
    let proxy = proxy();
    let router = router(&proxy);
    let a = Web::start("a").await;
    router.apply(&[serve("a", a.addr, 100)]).await.unwrap();
    let mut client = Client::connect(proxy.addr()).await;
    let slow = tokio::spawn(async move { client.get("/slow").await });
    until("the request arrives", async || a.requests() == 1).await;

    let start = Instant::now();
    router.apply(&[drain("a"), detach("a")]).await.unwrap();
    println!("detached after {:?}", start.elapsed());
    assert_eq!(router.observe().await.unwrap(), []);
    assert!(slow.await.unwrap().is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_held_by_a_stick_table_leave_a_drained_instance_unless_they_are_to_stay() {
    for (mode, answering) in [(DrainMode::Everybody, "b"), (DrainMode::KeepPersistent, "a")] {
        let proxy =
            Custom::start("", " balance roundrobin\n stick-table type ip size 10k expire 10m\n stick on src");
        let mut config = config(&proxy.socket("admin.sock"));
        config.drain = mode;
        let router = HaproxyRouter::new(config);
        let (a, b) = (Web::start("a").await, Web::start("b").await);
        router.apply(&[serve("a", a.addr, 100)]).await.unwrap();
        assert_eq!(Client::connect(proxy.addr).await.get("/").await.unwrap(), "a");

        router.apply(&[serve("b", b.addr, 100), drain("a")]).await.unwrap();
        assert_eq!(Client::connect(proxy.addr).await.get("/").await.unwrap(), answering, "{mode:?}");
        assert!(shown(&router).await.contains(&draining("a", a.addr)));
    }
}
