//! HAProxy with a configuration that the lab's own does not have.

use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Runs until it is dropped.
pub(crate) struct Custom {
    process: Child,
    dir: TempDir,
    pub(crate) addr: SocketAddr,
}

impl Custom {
    /// One frontend, the given lines in the `global` section and in the one backend `web`. `DIR` stands for the
    /// folder of the process; `DIR/admin.sock` is there in any case.
    pub(crate) fn start(global: &str, backend: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let addr = free_addr();
        let config = format!(
            "global\n stats socket DIR/admin.sock level admin\n{global}\n\
             defaults\n mode http\n timeout connect 1s\n timeout client 30s\n timeout server 30s\n\
             frontend test\n bind {addr}\n default_backend web\n\
             backend web\n{backend}\n"
        )
        .replace("DIR", dir.path().to_str().unwrap());
        let sockets: Vec<PathBuf> =
            config.split_whitespace().filter(|word| word.ends_with(".sock")).map(PathBuf::from).collect();
        let file = dir.path().join("haproxy.cfg");
        std::fs::write(&file, config).unwrap();
        let process = Command::new("haproxy")
            .arg("-db")
            .arg("-f")
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("haproxy must be installed");
        let proxy = Self { process, dir, addr };
        let deadline = Instant::now() + Duration::from_secs(20);
        let up = || {
            sockets.iter().all(|socket| UnixStream::connect(socket).is_ok())
                && TcpStream::connect(addr).is_ok()
        };
        while !up() {
            assert!(Instant::now() < deadline, "haproxy does not come up with {}", file.display());
            std::thread::sleep(Duration::from_millis(5));
        }
        proxy
    }

    pub(crate) fn socket(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

impl Drop for Custom {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// An address nobody listens at now.
pub(crate) fn free_addr() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}
