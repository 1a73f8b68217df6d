//! The lab against itself: engine, image, containers, proxy and load together. Needs root, like the lab.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use immutable_lab::{
    DockerApi, Engine, EngineOptions, FailureKind, Haproxy, HaproxyOptions, LabError, Load, LoadOptions,
    Shutdown, WebBinary, unique_name,
};
use serde_json::json;

/// A folder that is gone after the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(unique_name("imm-t"));
        fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// An image of nothing but the static server.
fn load_image(api: &DockerApi) {
    let mut archive = tar::Builder::new(Vec::new());
    archive.append_path_with_name(WebBinary::locate().unwrap().path(), "lab-web").unwrap();
    let path = "/images/create?fromSrc=-&repo=web&tag=v1&changes=ENTRYPOINT%20%5B%22/lab-web%22%5D";
    api.request("POST", path, "application/x-tar", &archive.into_inner().unwrap()).unwrap();
}

fn run_container(api: &DockerApi, version: &str, drain_ms: u32) -> (String, String) {
    let body = json!({
        "Image": "web:v1",
        "Env": [format!("VERSION={version}"), format!("DRAIN_MS={drain_ms}")],
    });
    let created = api.post("/containers/create", &body).unwrap();
    let id = created["Id"].as_str().unwrap().to_owned();
    api.request("POST", &format!("/containers/{id}/start"), "", &[]).unwrap();
    let inspected = api.get(&format!("/containers/{id}/json")).unwrap();
    let ip = inspected["NetworkSettings"]["IPAddress"].as_str().unwrap().to_owned();
    (id, ip)
}

fn is_running(api: &DockerApi, id: &str) -> bool {
    api.get(&format!("/containers/{id}/json")).unwrap()["State"]["Running"] == true
}

fn add_server(proxy: &Haproxy, name: &str, ip: &str) {
    let backend = proxy.backend();
    let answer = proxy.command(&format!("add server {backend}/{name} {ip}:8080")).unwrap();
    assert!(answer.contains("New server registered"), "{answer}");
    assert_eq!(proxy.command(&format!("enable server {backend}/{name}")).unwrap(), "");
}

fn load(proxy: &Haproxy, netns: &Path) -> Load {
    Load::start(proxy.addr(), LoadOptions { netns: Some(netns.to_owned()), ..LoadOptions::default() })
        .unwrap()
}

#[test]
fn load_through_the_proxy_reaches_containers_and_sees_what_is_lost() {
    let folder = Folder::new();
    let engine = Engine::start(&folder.0).unwrap();
    let api = engine.api();
    load_image(&api);
    let (first, first_ip) = run_container(&api, "v1", 0);
    let (_, second_ip) = run_container(&api, "v2", 0);

    let options = HaproxyOptions { netns: Some(engine.netns().to_owned()), ..HaproxyOptions::new("web") };
    let mut proxy = Haproxy::start(options).unwrap();
    add_server(&proxy, "first", &first_ip);
    add_server(&proxy, "second", &second_ip);

    // Both serve; the one that is drained before it is stopped takes nothing with it.
    let flawless = load(&proxy, engine.netns());
    thread::sleep(Duration::from_secs(1));
    assert_eq!(proxy.command("set server web/first state drain").unwrap(), "");
    thread::sleep(Duration::from_millis(300));
    api.request("POST", &format!("/containers/{first}/stop?t=5"), "", &[]).unwrap();
    thread::sleep(Duration::from_millis(700));
    let report = flawless.stop();
    assert!(report.is_flawless(), "{report}");
    assert_eq!(report.versions.keys().collect::<Vec<_>>(), ["v1", "v2"]);
    assert!(report.versions["v1"].last < report.versions["v2"].last, "{report}");

    // A killed proxy is seen as refused connections; a new one has lost its servers and answers 503.
    let lossy = load(&proxy, engine.netns());
    proxy.kill();
    thread::sleep(Duration::from_millis(300));
    proxy.restart().unwrap();
    thread::sleep(Duration::from_millis(300));
    let report = lossy.stop();
    assert!(report.failed.contains_key(&FailureKind::Connect), "{report}");
    assert!(report.failed.contains_key(&FailureKind::Status(503)), "{report}");

    let (dir, netns) = (engine.socket().parent().unwrap().to_owned(), engine.netns().to_owned());
    drop(proxy);
    engine.stop().unwrap();
    assert!(!dir.exists() && !netns.exists());
}

#[test]
fn a_restart_ends_containers_unless_they_are_restored_alive() {
    let folder = Folder::new();
    for live_restore in [false, true] {
        let mut engine = Engine::start_with(&folder.0, EngineOptions { live_restore }).unwrap();
        let api = engine.api();
        load_image(&api);
        let (id, _) = run_container(&api, "v1", 0);
        for how in [Shutdown::Graceful, Shutdown::Kill] {
            api.request("POST", &format!("/containers/{id}/start"), "", &[]).unwrap();
            let before = engine.pid();
            engine.down(how).unwrap();
            assert!(api.ping().is_err());
            engine.up().unwrap();
            assert_ne!(engine.pid(), before);
            assert_eq!(is_running(&api, &id), live_restore, "{how:?}");
        }
        engine.stop().unwrap();
    }
}

#[test]
fn a_dropped_engine_leaves_nothing_even_when_its_daemon_was_killed() {
    let folder = Folder::new();
    let mut engine = Engine::start(&folder.0).unwrap();
    load_image(&engine.api());
    run_container(&engine.api(), "v1", 60_000);
    engine.down(Shutdown::Kill).unwrap();
    let netns = engine.netns().to_owned();
    drop(engine);
    assert!(!netns.exists());
    assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 0);
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(!mounts.contains(folder.0.to_str().unwrap()));
}

#[test]
fn a_daemon_killed_in_the_middle_of_starts_leaves_no_container_behind() {
    let folder = Folder::new();
    let mut engine = Engine::start(&folder.0).unwrap();
    load_image(&engine.api());
    let marker = unique_name("midstart");
    for round in 0..3 {
        let starts: Vec<_> = (0..4)
            .map(|_| {
                let (api, version) = (engine.api(), marker.clone());
                // Whether a start comes through is chance, and neither is what this test is about.
                thread::spawn(move || {
                    let body = json!({ "Image": "web:v1", "Env": [format!("VERSION={version}")] });
                    let created = api.post("/containers/create", &body).ok()?;
                    let path = format!("/containers/{}/start", created["Id"].as_str()?);
                    api.request("POST", &path, "", &[]).ok()
                })
            })
            .collect();
        thread::sleep(Duration::from_millis(150 + 150 * round));
        engine.down(Shutdown::Kill).unwrap();
        for start in starts {
            let _ = start.join();
        }
        engine.up().unwrap();
    }
    drop(engine);
    let marked = fs::read_dir("/proc").unwrap().flatten().filter(|entry| {
        fs::read(entry.path().join("environ"))
            .map(|environ| String::from_utf8_lossy(&environ).into_owned())
            // The containers' own processes, and those that were still being made into one.
            .is_ok_and(|environ| environ.contains(&marker) || environ.contains(folder.0.to_str().unwrap()))
    });
    assert_eq!(marked.map(|entry| entry.file_name()).collect::<Vec<_>>(), Vec::<std::ffi::OsString>::new());
}

/// Where the test below reads that the engine of the one that it kills is up.
const REPORT_VAR: &str = "IMMUTABLE_LAB_TEST_REPORT";

#[test]
#[ignore = "the next test runs it, in a process of its own"]
fn an_owner_that_never_stops_its_engine() {
    let Some(report) = std::env::var_os(REPORT_VAR).map(PathBuf::from) else { return };
    let options = EngineOptions { live_restore: true };
    let engine = Engine::start_with(report.parent().unwrap(), options).unwrap();
    load_image(&engine.api());
    let (_, ip) = run_container(&engine.api(), "v1", 60_000);
    assert!(!ip.is_empty());
    let draft = report.with_extension("draft");
    fs::write(&draft, engine.netns().to_str().unwrap()).unwrap();
    fs::rename(draft, report).unwrap();
    thread::sleep(Duration::from_secs(120));
}

#[test]
fn a_killed_owner_leaves_no_engine() {
    let folder = Folder::new();
    let report = folder.0.join("report");
    let mut owner = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "an_owner_that_never_stops_its_engine"])
        .env(REPORT_VAR, &report)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    eventually(|| report.exists());
    let netns = PathBuf::from(fs::read_to_string(&report).unwrap());
    assert!(netns.exists());
    owner.kill().unwrap();
    owner.wait().unwrap();
    eventually(|| !netns.exists() && fs::read_dir(&folder.0).unwrap().count() == 1);
    // The containers ended too: nothing with the engine's name in its command line is left.
    let name = netns.file_name().unwrap().to_str().unwrap().as_bytes();
    eventually(|| !command_lines().iter().any(|line| line.windows(name.len()).any(|part| part == name)));
}

fn command_lines() -> Vec<Vec<u8>> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes.filter_map(|process| fs::read(process.path().join("cmdline")).ok()).collect()
}

fn eventually(condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(Instant::now() < deadline, "it did not come to that");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_vanished_server_shows_as_latency_behind_a_proxy_that_retries() {
    let folder = Folder::new();
    let engine = Engine::start(&folder.0).unwrap();
    let api = engine.api();
    load_image(&api);
    let options = HaproxyOptions { netns: Some(engine.netns().to_owned()), ..HaproxyOptions::new("web") };
    let proxy = Haproxy::start(options).unwrap();
    let containers: Vec<_> = (0..4).map(|_| run_container(&api, "v1", 0)).collect();
    for (id, ip) in &containers {
        add_server(&proxy, &id[..12], ip);
    }
    let load = load(&proxy, engine.netns());
    thread::sleep(Duration::from_millis(500));
    // The naive order: stopped while the proxy still sends to it.
    api.request("POST", &format!("/containers/{}/stop?t=5", containers[0].0), "", &[]).unwrap();
    thread::sleep(Duration::from_millis(1500));
    let report = load.stop();
    assert!(report.latency.max >= Duration::from_millis(900), "{report}");
}

#[test]
fn load_goes_nowhere_but_loopback() {
    let addr: SocketAddr = "192.0.2.1:80".parse().unwrap();
    let error = Load::start(addr, LoadOptions::default()).unwrap_err();
    assert!(matches!(error, LabError::NotLoopback { addr: refused } if refused == addr));
}

#[test]
fn a_load_without_a_server_counts_every_request_as_lost() {
    // Port 1 is never served here; a forgotten load ends by itself.
    let options = LoadOptions { at_most: Duration::from_millis(300), ..LoadOptions::default() };
    let start = Instant::now();
    let load = Load::start(SocketAddr::from(([127, 0, 0, 1], 1)), options).unwrap();
    thread::sleep(Duration::from_millis(500));
    let report = load.stop();
    assert!(start.elapsed() < Duration::from_secs(3));
    assert_eq!(report.ok, 0);
    assert_eq!(report.failed.keys().collect::<Vec<_>>(), [&FailureKind::Connect]);
    // 200 requests a second for 0.3 s.
    assert!((40..=60).contains(&report.total), "{report}");
}
