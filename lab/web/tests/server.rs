//! The server as a process, on a free port of 127.0.0.1.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const BINARY: &str = env!("CARGO_BIN_EXE_lab-web");

struct Web {
    child: Child,
    addr: SocketAddr,
}

impl Web {
    fn start(variables: &[(&str, &str)]) -> Self {
        let mut child = Command::new(BINARY)
            .env_clear()
            .envs([("BIND", "127.0.0.1"), ("PORT", "0"), ("VERSION", "v1")])
            .envs(variables.iter().copied())
            .current_dir(env!("CARGO_TARGET_TMPDIR"))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
        let addr = line.trim().rsplit(' ').next().unwrap().parse().unwrap();
        Self { child, addr }
    }

    fn connect(&self) -> BufReader<TcpStream> {
        let stream = TcpStream::connect(self.addr).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        BufReader::new(stream)
    }

    fn get(&self, path: &str) -> Answer {
        get(&mut self.connect(), path).expect("an answer")
    }

    fn terminate(&self) {
        let status = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status().unwrap();
        assert!(status.success());
    }

    fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "the server still runs");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: String,
}

fn get(connection: &mut BufReader<TcpStream>, path: &str) -> Option<Answer> {
    write!(connection.get_mut(), "GET {path} HTTP/1.1\r\nHost: test\r\n\r\n").ok()?;
    read(connection)
}

fn read(connection: &mut BufReader<TcpStream>) -> Option<Answer> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if connection.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length =
        head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).unwrap().parse().unwrap();
    let mut body = vec![0; length];
    connection.read_exact(&mut body).ok()?;
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Some(Answer { status, head, body: String::from_utf8(body).unwrap() })
}

#[test]
fn it_names_its_version_and_keeps_the_connection() {
    let web = Web::start(&[]);
    let mut connection = web.connect();
    for _ in 0..3 {
        let answer = get(&mut connection, "/").unwrap();
        assert_eq!(answer.status, 200);
        assert!(answer.body.starts_with("v1 "), "{}", answer.body);
        assert!(answer.head.contains("X-Version: v1\r\n"), "{}", answer.head);
    }
    assert_eq!(get(&mut connection, "/nothing").unwrap().status, 404);
}

#[test]
fn it_is_healthy_when_it_is_ready() {
    let web = Web::start(&[("READY_MS", "400")]);
    assert_eq!(web.get("/healthz").status, 503);
    thread::sleep(Duration::from_millis(450));
    assert_eq!(web.get("/healthz").status, 200);
}

#[test]
fn unhealthy_still_serves() {
    let web = Web::start(&[("MODE", "unhealthy")]);
    assert_eq!(web.get("/healthz").status, 503);
    assert_eq!(web.get("/").status, 200);
}

#[test]
fn the_health_command_tells_by_its_exit_code() {
    let check = |web: &Web| {
        Command::new(BINARY).arg("health").env("PORT", web.addr.port().to_string()).status().unwrap().code()
    };
    assert_eq!(check(&Web::start(&[])), Some(0));
    assert_eq!(check(&Web::start(&[("MODE", "unhealthy")])), Some(1));
    let mut gone = Web::start(&[]);
    gone.terminate();
    gone.wait();
    assert_eq!(check(&gone), Some(1));
}

#[test]
fn a_crash_is_healthy_at_first_and_exits_with_three() {
    let mut web = Web::start(&[("MODE", "crash:500")]);
    assert_eq!(web.get("/healthz").status, 200);
    assert_eq!(web.wait().code(), Some(3));
}

#[test]
fn slow_takes_its_time() {
    let web = Web::start(&[]);
    let start = Instant::now();
    assert_eq!(web.get("/slow?ms=150").status, 200);
    assert!(start.elapsed() >= Duration::from_millis(150));
}

#[test]
fn write_leaves_a_file() {
    let web = Web::start(&[]);
    let answer = web.get("/write");
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("drift-1");
    assert_eq!((answer.status, answer.body.as_str()), (200, "wrote drift-1"));
    assert_eq!(fs::read_to_string(&file).unwrap(), "drift\n");
    fs::remove_file(file).unwrap();
}

#[test]
fn without_drain_time_it_exits_at_once_and_cuts_what_is_under_way() {
    let mut web = Web::start(&[]);
    let mut slow = web.connect();
    write!(slow.get_mut(), "GET /slow?ms=10000 HTTP/1.1\r\n\r\n").unwrap();
    thread::sleep(Duration::from_millis(100));
    let start = Instant::now();
    web.terminate();
    assert_eq!(web.wait().code(), Some(0));
    assert!(start.elapsed() < Duration::from_secs(5));
    assert!(read(&mut slow).is_none());
}

#[test]
fn with_drain_time_it_serves_on_closes_connections_and_finishes() {
    let mut web = Web::start(&[("DRAIN_MS", "600")]);
    let mut kept = web.connect();
    assert_eq!(get(&mut kept, "/").unwrap().status, 200);
    let mut slow = web.connect();
    write!(slow.get_mut(), "GET /slow?ms=1500 HTTP/1.1\r\n\r\n").unwrap();
    thread::sleep(Duration::from_millis(100));

    web.terminate();
    thread::sleep(Duration::from_millis(150));
    assert_eq!(web.get("/healthz").status, 503);
    let answer = get(&mut kept, "/").unwrap();
    assert_eq!(answer.status, 200);
    assert!(answer.head.contains("Connection: close"), "{}", answer.head);

    // The port closes after the drain time, while the slow request is still under way.
    thread::sleep(Duration::from_millis(700));
    assert!(TcpStream::connect(web.addr).is_err());
    assert_eq!(read(&mut slow).unwrap().status, 200);
    assert_eq!(web.wait().code(), Some(0));
}

#[test]
fn a_wrong_setting_is_refused() {
    let status = Command::new(BINARY).env("MODE", "sleepy").stderr(Stdio::null()).status().unwrap();
    assert_eq!(status.code(), Some(2));
}
