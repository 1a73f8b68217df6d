use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::ops::Range;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::process::Daemon;
use crate::{LabError, Netns, unique_name};

const READY_WITHIN: Duration = Duration::from_secs(20);
const STOP_WITHIN: Duration = Duration::from_secs(5);
const COMMAND_TIMEOUT: Duration = Duration::from_secs(10);

/// Below the range from which Linux gives clients their ports (32768 and up).
const PORTS: Range<u16> = 20_000..30_000;

/// How an [`Haproxy`] is run.
#[derive(Debug, Clone)]
pub struct HaproxyOptions {
    /// The name of the one backend. It is empty at first; servers are added over the admin socket.
    pub backend: String,
    /// The network namespace to run in; the caller's when `None`.
    pub netns: Option<PathBuf>,
    /// The port on 127.0.0.1; a free one when `None`.
    pub port: Option<u16>,
}

impl HaproxyOptions {
    /// A free port in the caller's namespace.
    #[must_use]
    pub fn new(backend: impl Into<String>) -> Self {
        Self { backend: backend.into(), netns: None, port: None }
    }
}

/// An HAProxy with one frontend on 127.0.0.1, one empty backend and an admin socket.
///
/// It retries a failed connect on another server, as a production proxy does: a server that vanishes behind its back
/// shows as latency (one connect timeout, 1 s) and not as a failed request. Dropping it stops it.
#[derive(Debug)]
pub struct Haproxy {
    daemon: Option<Daemon>,
    dir: PathBuf,
    admin_socket: PathBuf,
    backend: String,
    netns: Option<PathBuf>,
    port: u16,
}

impl Haproxy {
    /// Starts the proxy and waits until it answers on both its port and its admin socket.
    ///
    /// # Errors
    ///
    /// When `haproxy` is missing or does not come up; the error carries the end of its log.
    pub fn start(options: HaproxyOptions) -> Result<Self, LabError> {
        let HaproxyOptions { backend, netns, port } = options;
        let port = match port {
            Some(port) => port,
            None => within(netns.as_deref(), free_port)??,
        };
        let dir = std::env::temp_dir().join(unique_name("imm-ha"));
        fs::create_dir(&dir).map_err(LabError::io(format!("making {}", dir.display())))?;
        let admin_socket = dir.join("admin.sock");
        let mut proxy = Self { daemon: None, dir, admin_socket, backend, netns, port };
        let config = configuration(&proxy.backend, proxy.port, &proxy.admin_socket);
        fs::write(proxy.config(), config)
            .map_err(LabError::io(format!("writing {}", proxy.config().display())))?;
        proxy.spawn()?;
        Ok(proxy)
    }

    /// The Unix socket of the runtime API, level `admin`.
    #[must_use]
    pub fn admin_socket(&self) -> &Path {
        &self.admin_socket
    }

    /// The frontend's port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The frontend's address.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// The backend's name.
    #[must_use]
    pub fn backend(&self) -> &str {
        &self.backend
    }

    /// The process id, while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.daemon.as_ref().map(Daemon::pid)
    }

    /// Sends one line to the runtime API and returns the whole answer, trimmed.
    ///
    /// HAProxy answers an error in free text too; most commands that succeed answer nothing.
    ///
    /// # Errors
    ///
    /// When the proxy does not answer.
    pub fn command(&self, line: &str) -> Result<String, LabError> {
        ask(&self.admin_socket, line).map_err(LabError::io(format!("asking HAProxy `{line}`")))
    }

    /// SIGKILL: connections are cut, the port refuses. No effect when it is down already.
    pub fn kill(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            daemon.kill();
        }
    }

    /// Kills the process, if it runs, and starts a new one with the same configuration and port.
    ///
    /// Servers that were added at run time are lost, as after any restart of HAProxy.
    ///
    /// # Errors
    ///
    /// As [`Haproxy::start`].
    pub fn restart(&mut self) -> Result<(), LabError> {
        self.kill();
        self.spawn()
    }

    fn spawn(&mut self) -> Result<(), LabError> {
        let mut command = match &self.netns {
            Some(netns) => {
                let mut inside = Command::new("nsenter");
                let mut option = std::ffi::OsString::from("--net=");
                option.push(netns);
                inside.arg(option).arg("haproxy");
                inside
            }
            None => Command::new("haproxy"),
        };
        // Foreground and without a master process, so that one SIGKILL is the end of it.
        command.arg("-db").arg("-f").arg(self.config());
        let daemon = Daemon::spawn("haproxy", &mut command, &self.dir.join("log"))?;
        let (netns, addr, admin_socket) = (self.netns.clone(), self.addr(), self.admin_socket.clone());
        self.daemon.insert(daemon).wait_ready(READY_WITHIN, || {
            ask(&admin_socket, "show version").is_ok()
                && within(netns.as_deref(), || TcpStream::connect(addr).is_ok()).is_ok_and(|up| up)
        })
    }

    fn config(&self) -> PathBuf {
        self.dir.join("haproxy.cfg")
    }
}

impl Drop for Haproxy {
    fn drop(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            let _ = daemon.terminate(STOP_WITHIN);
        }
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// Without `noreuseport` a second proxy on the port would start and take half of the first one's connections.
fn configuration(backend: &str, port: u16, admin_socket: &Path) -> String {
    format!(
        "global
    maxconn 2000
    noreuseport
    stats socket {admin} mode 600 level admin
    stats timeout 1m

defaults
    mode http
    timeout connect 1s
    timeout client 30s
    timeout server 30s
    retries 3
    option redispatch
    retry-on conn-failure

frontend lab
    bind 127.0.0.1:{port}
    default_backend {backend}

backend {backend}
    balance roundrobin
",
        admin = admin_socket.display()
    )
}

fn ask(admin_socket: &Path, line: &str) -> std::io::Result<String> {
    let mut stream = UnixStream::connect(admin_socket)?;
    stream.set_read_timeout(Some(COMMAND_TIMEOUT))?;
    stream.set_write_timeout(Some(COMMAND_TIMEOUT))?;
    stream.write_all(format!("{line}\n").as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.trim().to_owned())
}

fn within<T: Send>(netns: Option<&Path>, work: impl FnOnce() -> T + Send) -> Result<T, LabError> {
    match netns {
        Some(netns) => Netns::run_in(netns, work),
        None => Ok(work()),
    }
}

/// A port nobody has now. Somebody could take it before HAProxy does; then the start fails and says so.
///
/// Not one of the ports the kernel gives to clients: while the proxy is down, a client that connects to it could be
/// given the very port as its own and so be connected to itself.
fn free_port() -> Result<u16, LabError> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Test programs run side by side; each begins somewhere else.
    let offset = process::id().wrapping_mul(97);
    let mut last = std::io::ErrorKind::AddrInUse.into();
    for _ in PORTS {
        let step =
            offset.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % u32::from(PORTS.end - PORTS.start);
        let port = PORTS.start + u16::try_from(step).unwrap_or_default();
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            Ok(_) => return Ok(port),
            Err(error) => last = error,
        }
    }
    Err(LabError::io("looking for a free port")(last))
}
