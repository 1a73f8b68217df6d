use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use immutable_core::error::Retry;
use immutable_core::fleet::{Fleet, FleetError, Phase, TerminateRequest};
use immutable_docker::{DockerFleet, DockerFleetConfig};
use immutable_lab::{Engine, Shutdown};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;

use crate::stage::{PATIENCE, Stage, import, launch, request, requests, until, zone};

#[tokio::test]
async fn an_engine_that_does_not_answer_is_named_with_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let absent = folder.path().join("absent.sock");
    let deaf = folder.path().join("deaf.sock");
    drop(std::os::unix::net::UnixListener::bind(&deaf).unwrap());
    for socket in [absent, deaf] {
        let id = immutable_core::FleetId::new("web").unwrap();
        let config = DockerFleetConfig::new(id, zone()).with_socket(&socket);
        let error = DockerFleet::connect(config).await.unwrap_err();
        assert_eq!(error.retry(), Retry::Backoff);
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.contains(socket.to_str().unwrap()) && source.contains("DOCKER_HOST"), "{source}");
    }
}

/// Answers every request with this, as an engine that is not one.
fn pretender(socket: &Path, status: &str, body: &str) -> tokio::task::JoinHandle<()> {
    let listener = UnixListener::bind(socket).unwrap();
    let length = body.len();
    let answer = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    })
}

async fn connect_to(status: &str, body: &str) -> Result<DockerFleet, FleetError> {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("docker.sock");
    let server = pretender(&socket, status, body);
    let id = immutable_core::FleetId::new("web").unwrap();
    let fleet = DockerFleet::connect(DockerFleetConfig::new(id, zone()).with_socket(&socket)).await;
    if let Ok(fleet) = &fleet {
        // What it lists is no list.
        assert_eq!(fleet.observe().await.unwrap_err().retry(), Retry::Backoff);
    }
    server.abort();
    fleet
}

#[tokio::test]
async fn what_is_no_engine_or_too_old_an_engine_is_refused() {
    let error = connect_to("200 OK", r#"{"ApiVersion":"1.40"}"#).await.unwrap_err();
    let FleetError::Invalid { reason, .. } = &error else { panic!("{error:?}") };
    assert!(reason.contains("1.40") && reason.contains("20.10"), "{reason}");
    for (status, body) in [("200 OK", "hello"), ("200 OK", "{}"), ("503 Service Unavailable", "busy")] {
        assert_eq!(connect_to(status, body).await.unwrap_err().retry(), Retry::Backoff, "{body}");
    }
    connect_to("200 OK", r#"{"ApiVersion":"1.41"}"#).await.unwrap();
}

/// A private engine, so that no other test loses its own.
#[tokio::test(flavor = "multi_thread")]
async fn calls_survive_a_killed_daemon_by_being_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = Engine::start(folder.path()).unwrap();
    let stage = Stage::on(engine.api());
    let image = import(&stage.api, &["ENTRYPOINT [\"/lab-web\"]"]);
    let fleet = stage.fleet().await;
    let requests = requests(12, image);

    let restarted = Arc::new(AtomicBool::new(false));
    let is_restarted = Arc::clone(&restarted);
    let killing = tokio::task::spawn_blocking(move || {
        // In the middle of the starts.
        std::thread::sleep(Duration::from_millis(700));
        engine.restart(Shutdown::Kill).unwrap();
        restarted.store(true, Ordering::SeqCst);
        engine
    });
    let begin = Instant::now();
    let mut failures = 0;
    loop {
        let last = is_restarted.load(Ordering::SeqCst);
        let results = fleet.launch(&requests).await;
        let failed: Vec<_> = results.iter().filter_map(|result| result.as_ref().err()).collect();
        failures += failed.len();
        assert!(failed.iter().all(|error| error.retry() == Retry::Backoff), "{failed:?}");
        if failed.is_empty() && last {
            break;
        }
        assert!(begin.elapsed() < PATIENCE, "{failed:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let engine = killing.await.unwrap();
    assert!(failures > 0, "the daemon was not killed in the middle of a call");

    // One container for each token, and the monitor follows the new daemon.
    let snapshot = fleet.observe().await.unwrap();
    assert_eq!(snapshot.instances.len(), requests.len(), "{snapshot:#?}");
    let mut tokens: Vec<_> = snapshot.instances.iter().map(|one| one.origin.clone().unwrap().token).collect();
    tokens.sort();
    tokens.dedup();
    assert_eq!(tokens.len(), requests.len());

    let all: Vec<_> = snapshot.instances.iter().map(|one| TerminateRequest::new(one.id.clone())).collect();
    for terminated in fleet.terminate(&all).await {
        terminated.unwrap();
    }
    until(&fleet, <[_]>::is_empty).await;
    drop(stage);
    engine.stop().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_while_the_daemon_is_away_is_noticed_when_it_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = Engine::start(folder.path()).unwrap();
    let stage = Stage::on(engine.api());
    let image = import(&stage.api, &["ENTRYPOINT [\"/lab-web\"]"]);
    let fleet = stage.fleet().await;
    launch(&fleet, request(image)).await;
    let running = until(&fleet, |all| all[0].is_ready()).await;

    engine.down(Shutdown::Graceful).unwrap();
    let error = fleet.observe().await.unwrap_err();
    assert!(matches!(error, FleetError::Platform { retry: Retry::Backoff, .. }), "{error:?}");
    engine.up().unwrap();
    tokio::time::timeout(PATIENCE, fleet.changed(running.revision)).await.unwrap();
    until(&fleet, |all| matches!(all[0].phase, Phase::Stopped { .. })).await;
    drop(stage);
    engine.stop().unwrap();
}
