//! What a user reads when HAProxy is there but not as it must be.

use std::time::Duration;

use immutable_core::error::Retry;
use immutable_core::fleet::{Router, RouterError};
use immutable_docker::haproxy::{BackendName, HaproxyRouter};

use super::custom::{Custom, free_addr};
use super::{config, detach, draining, full, proxy, serve, serving};

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_backend_is_named_with_those_that_are_there() {
    let proxy = proxy();
    let mut config = config(proxy.admin_socket());
    config.backend = BackendName::new("wbe").unwrap();
    let router = HaproxyRouter::new(config);
    for error in [
        router.observe().await.unwrap_err(),
        router.apply(&[serve("a", free_addr(), 100)]).await.unwrap_err(),
    ] {
        assert!(matches!(error, RouterError::Invalid { .. }), "{error:?}");
        let text = full(&error);
        assert!(text.contains("no backend wbe; it has web"), "{text}");
        assert_eq!(error.retry(), Retry::Never);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_static_algorithm_is_named_with_the_way_out() {
    let proxy = Custom::start("", &format!(" balance static-rr\n server s {}", free_addr()));
    let router = HaproxyRouter::new(config(&proxy.socket("admin.sock")));
    assert_eq!(router.observe().await.unwrap(), []);
    let error = router.apply(&[serve("a", free_addr(), 100)]).await.unwrap_err();
    assert!(matches!(error, RouterError::Invalid { .. }), "{error:?}");
    let text = full(&error);
    assert!(text.contains("Backend must use a dynamic load balancing"), "{text}");
    assert!(text.contains("roundrobin, leastconn"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_without_admin_level_is_named_with_the_way_out() {
    for level in ["user", "operator"] {
        let proxy = Custom::start(&format!(" stats socket DIR/low.sock level {level}"), "");
        let router = HaproxyRouter::new(config(&proxy.socket("low.sock")));
        let error = router.apply(&[serve("a", free_addr(), 100)]).await.unwrap_err();
        assert!(matches!(error, RouterError::Invalid { .. }), "{error:?}");
        let text = full(&error);
        assert!(text.contains("level admin") && text.contains("low.sock"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_before_a_refused_one_are_made_and_those_after_it_are_not() {
    let addr = free_addr();
    // HAProxy does not delete a server that its configuration refers to.
    let proxy = Custom::start(
        "",
        &format!(" balance roundrobin\n server imm-b {addr}\n use-server imm-b if {{ path /b }}"),
    );
    let mut config = config(&proxy.socket("admin.sock"));
    config.detach_timeout = Duration::from_millis(50);
    let router = HaproxyRouter::new(config);
    let error = router.apply(&[serve("a", addr, 1), detach("b"), serve("c", addr, 1)]).await.unwrap_err();
    assert!(matches!(error, RouterError::Platform { .. }), "{error:?}");
    let text = full(&error);
    assert!(text.contains("`del server web/imm-b`: This server cannot be removed at runtime"), "{text}");
    assert_eq!(router.observe().await.unwrap(), [serving("a", addr, 1), draining("b", addr)]);
}
