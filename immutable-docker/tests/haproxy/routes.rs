//! Routes are added, changed and removed, and every call may be repeated.

use std::time::Duration;

use immutable_core::fleet::{RouteChange, Router};
use immutable_docker::haproxy::{AdminAddress, HaproxyConfig, HaproxyRouter, HaproxyVersion, ServerOptions};

use super::custom::{Custom, free_addr};
use super::{config, detach, drain, draining, proxy, router, serve, serving};

#[tokio::test(flavor = "multi_thread")]
async fn every_change_has_its_effect_and_a_second_time_none() {
    let proxy = proxy();
    let router = router(&proxy);
    let (a, b) = (free_addr(), free_addr());
    assert_eq!(router.observe().await.unwrap(), []);

    for (changes, routes) in [
        (vec![serve("b", b, 0), serve("a", a, 100)], vec![serving("a", a, 100), serving("b", b, 0)]),
        (vec![serve("a", a, 7)], vec![serving("a", a, 7), serving("b", b, 0)]),
        (vec![drain("a"), serve("b", b, 256)], vec![draining("a", a), serving("b", b, 256)]),
        (vec![serve("a", a, 50)], vec![serving("a", a, 50), serving("b", b, 256)]),
        (vec![drain("a"), detach("a")], vec![serving("b", b, 256)]),
        (vec![drain("unknown"), detach("unknown")], vec![serving("b", b, 256)]),
        (vec![detach("b")], vec![]),
        (vec![], vec![]),
    ] {
        for _ in 0..2 {
            router.apply(&changes).await.unwrap();
            assert_eq!(router.observe().await.unwrap(), routes, "after {changes:?}");
        }
    }
    assert!(router.version().await.unwrap() >= HaproxyVersion::DYNAMIC_SERVERS);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_haproxy_has_no_routes_until_they_are_applied_again() {
    let mut proxy = proxy();
    let router = router(&proxy);
    let addr = free_addr();
    let changes = [serve("a", addr, 100), serve("b", addr, 100), drain("b")];
    router.apply(&changes).await.unwrap();
    let before = router.observe().await.unwrap();
    assert_eq!(before.len(), 2);

    proxy.restart().unwrap();
    assert_eq!(router.observe().await.unwrap(), []);
    router.apply(&changes).await.unwrap();
    assert_eq!(router.observe().await.unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_of_others_are_neither_reported_nor_changed() {
    let addr = free_addr();
    let proxy = Custom::start(
        "",
        &format!(" server web1 {addr} weight 3\n server a {addr}\n server off {addr} disabled"),
    );
    let router = HaproxyRouter::new(config(&proxy.socket("admin.sock")));
    router.apply(&[drain("a"), detach("a"), detach("web1")]).await.unwrap();
    router.apply(&[serve("a", addr, 100), serve("off", addr, 1)]).await.unwrap();
    assert_eq!(router.observe().await.unwrap(), [serving("a", addr, 100), serving("off", addr, 1)]);
    router.apply(&[detach("a"), detach("off")]).await.unwrap();

    let state = ask(&proxy, "show servers state web");
    let shown: Vec<_> = state
        .lines()
        .skip(2)
        .map(|line| line.split(' ').collect::<Vec<_>>())
        .map(|fields| (fields[3].to_owned(), fields[6].to_owned(), fields[7].to_owned()))
        .collect();
    let row = |name: &str, admin: &str, weight: &str| (name.to_owned(), admin.to_owned(), weight.to_owned());
    assert_eq!(shown, [row("web1", "0", "3"), row("a", "0", "1"), row("off", "5", "1")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn ipv6_endpoints_options_and_a_tcp_admin_address_work() {
    let admin = free_addr();
    let proxy = Custom::start(&format!(" stats socket ipv4@{admin} level admin"), "");
    let mut config: HaproxyConfig = config(&proxy.socket("admin.sock"));
    config.admin = AdminAddress::tcp(admin).unwrap();
    config.server = ServerOptions {
        check: Some(Duration::from_millis(200)),
        maxconn: Some(10),
        idle_connections: Some(5),
    };
    let router = HaproxyRouter::new(config);
    let endpoint = "[::1]:9".parse().unwrap();
    for _ in 0..2 {
        router.apply(&[serve("a", endpoint, 100)]).await.unwrap();
        assert_eq!(router.observe().await.unwrap(), [serving("a", endpoint, 100)]);
    }
    router.apply(&[detach("a")]).await.unwrap();
    assert_eq!(router.observe().await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_call_leaves_nothing_that_the_next_one_does_not_repair() {
    let proxy = proxy();
    let router = router(&proxy);
    let addr = free_addr();
    let up: Vec<RouteChange> = (0..10).map(|n| serve(&format!("i{n}"), addr, 100)).collect();
    let down: Vec<RouteChange> = (0..10).map(|n| detach(&format!("i{n}"))).collect();
    for micros in (0..3000).step_by(150) {
        let limit = Duration::from_micros(micros);
        let _ = tokio::time::timeout(limit, router.apply(&up)).await;
        router.apply(&up).await.unwrap();
        let routes = router.observe().await.unwrap();
        assert_eq!(routes.len(), 10);
        assert!(routes.iter().all(|route| *route == serving(route.instance.as_str(), addr, 100)));
        let _ = tokio::time::timeout(limit, router.apply(&down)).await;
        router.apply(&down).await.unwrap();
        assert_eq!(router.observe().await.unwrap(), []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_routers_that_make_the_same_changes_do_not_disturb_each_other() {
    let proxy = proxy();
    let (first, second) = (router(&proxy), router(&proxy));
    let addr = free_addr();
    let up: Vec<RouteChange> = (0..5).map(|n| serve(&format!("i{n}"), addr, 100)).collect();
    let down: Vec<RouteChange> = (0..5).map(|n| detach(&format!("i{n}"))).collect();
    for _ in 0..30 {
        let (one, two) = tokio::join!(first.apply(&up), second.apply(&up));
        one.unwrap();
        two.unwrap();
        assert_eq!(first.observe().await.unwrap().len(), 5);
        let (one, two) = tokio::join!(first.apply(&down), second.apply(&down));
        one.unwrap();
        two.unwrap();
        assert_eq!(second.observe().await.unwrap(), []);
    }
}

/// Also prints what the calls cost: `cargo test --test haproxy cost -- --nocapture`.
#[tokio::test(flavor = "multi_thread")]
async fn cost_of_calls_stays_in_milliseconds() {
    let proxy = proxy();
    let router = router(&proxy);
    let addr = free_addr();
    let name = |n: usize| format!("instance-{n}");
    let all = |change: &dyn Fn(&str) -> RouteChange| (0..30).map(|n| change(&name(n))).collect::<Vec<_>>();
    let (up, same) = (all(&|id| serve(id, addr, 100)), all(&|id| serve(id, addr, 100)));
    let (shift, off, gone) = (all(&|id| serve(id, addr, 7)), all(&drain), all(&detach));

    let mut rows = Vec::new();
    for _ in 0..20 {
        for (what, changes) in
            [("add 30", &up), ("no change 30", &same), ("weigh 30", &shift), ("drain 30", &off)]
        {
            let start = std::time::Instant::now();
            router.apply(changes).await.unwrap();
            rows.push((what, start.elapsed()));
        }
        for (what, change) in [("weigh 1", serve("instance-0", addr, 9)), ("drain 1", drain("instance-0"))] {
            let start = std::time::Instant::now();
            router.apply(&[change]).await.unwrap();
            rows.push((what, start.elapsed()));
        }
        let start = std::time::Instant::now();
        router.observe().await.unwrap();
        rows.push(("observe 30", start.elapsed()));
        let start = std::time::Instant::now();
        router.apply(&gone).await.unwrap();
        rows.push(("detach 30", start.elapsed()));
    }
    for what in
        ["add 30", "no change 30", "weigh 30", "drain 30", "weigh 1", "drain 1", "observe 30", "detach 30"]
    {
        let mut times: Vec<_> = rows.iter().filter(|row| row.0 == what).map(|row| row.1).collect();
        times.sort();
        println!("{what}: median {:?}, worst {:?}", times[times.len() / 2], times[times.len() - 1]);
        assert!(times[times.len() / 2] < Duration::from_millis(500), "{what} is slow: {times:?}");
    }
}

fn ask(proxy: &Custom, line: &str) -> String {
    use std::io::{Read, Write};
    let mut stream = std::os::unix::net::UnixStream::connect(proxy.socket("admin.sock")).unwrap();
    stream.write_all(format!("{line}\n").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.trim().to_owned()
}
