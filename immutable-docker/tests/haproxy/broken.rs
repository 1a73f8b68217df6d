//! What a user reads when HAProxy is not there, or not HAProxy.

use std::path::PathBuf;
use std::time::Duration;

use immutable_core::error::Retry;
use immutable_core::fleet::{Router, RouterError};
use immutable_docker::haproxy::HaproxyRouter;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;

use super::{config, drain, full, proxy, router};

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_socket_is_named_with_the_way_out() {
    let mut proxy = proxy();
    let router = router(&proxy);
    router.observe().await.unwrap();
    proxy.kill();
    let nowhere = HaproxyRouter::new(config("/nonexistent/admin.sock".as_ref()));
    for (router, path) in [(&router, proxy.admin_socket()), (&nowhere, "/nonexistent/admin.sock".as_ref())] {
        for error in [router.observe().await.unwrap_err(), router.apply(&[drain("a")]).await.unwrap_err()] {
            assert!(matches!(error, RouterError::Platform { .. }), "{error:?}");
            assert_eq!(error.retry(), Retry::Backoff);
            let text = full(&error);
            assert!(text.contains(path.to_str().unwrap()), "{text}");
            assert!(text.contains("is it running") && text.contains("stats socket"), "{text}");
        }
    }
}

/// Something at the socket that reads and then answers this.
fn impostor(answer: &'static [u8], keep_open: bool) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("admin.sock");
    let listener = UnixListener::bind(&path).unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut asked = [0; 4096];
                let _ = stream.read(&mut asked).await;
                let _ = stream.write_all(answer).await;
                while keep_open && stream.read(&mut asked).await.is_ok_and(|read| read > 0) {
                    let _ = stream.write_all(answer).await;
                }
            });
        }
    });
    (dir, path)
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_answers_are_errors() {
    for (answer, keep_open, says) in [
        (b"".as_slice(), true, "did not answer"),
        (b"", false, "closed the admin connection"),
        (b"HTTP/1.0 400 Bad request\r\n\r\n", false, "closed the admin connection"),
        (b"\n> \n> ", true, "it has no version"),
        (b"\n> \xff\xfe\n> ", true, "it has no version"),
        (b"[3]: Permission denied\n\n> \n> ", true, "Permission denied"),
        (b"\n> \n> Name: HAProxy\nVersion: 2.3.1\n\n> ", true, "2.3 at"),
        (b"\n> \n> Version: 2.6.0\n\n> 1\n# nothing\n\n> \n> ", true, "no column"),
    ] {
        let (_dir, path) = impostor(answer, keep_open);
        let mut config = config(&path);
        config.timeout = Duration::from_millis(300);
        let error = HaproxyRouter::new(config).observe().await.unwrap_err();
        let text = full(&error);
        assert!(text.contains(says), "{}: {text}", String::from_utf8_lossy(answer));
        // It says where, or which command was answered that way.
        assert!(text.contains(path.to_str().unwrap()) || text.contains('`'), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_without_dynamic_servers_is_invalid() {
    let (_dir, path) = impostor(b"\n> \n> Name: HAProxy\nVersion: 2.3.1\n\n> ", true);
    let error = HaproxyRouter::new(config(&path)).observe().await.unwrap_err();
    assert!(matches!(error, RouterError::Invalid { .. }), "{error:?}");
    assert!(full(&error).contains("2.4 or later"), "{}", full(&error));
}
