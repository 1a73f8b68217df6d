use std::env;
use std::fs;
use std::io::{self, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{self, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::request::Request;
use crate::responses::respond;
use crate::settings::{Mode, Settings};
use crate::{report, shutdown};

/// A connection's thread needs little; the default of 2 MiB would only cost address space.
const STACK_SIZE: usize = 128 * 1024;

/// A connection that sends nothing for so long is closed.
const IDLE_LIMIT: Duration = Duration::from_secs(120);

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Server {
    settings: Settings,
    hostname: String,
    started: Instant,
    draining: AtomicBool,
    /// The port is closed: the accepting thread ends at its next wake-up.
    closing: AtomicBool,
    in_flight: AtomicUsize,
}

impl Server {
    pub(crate) fn version(&self) -> &str {
        &self.settings.version
    }

    pub(crate) fn hostname(&self) -> &str {
        &self.hostname
    }

    pub(crate) fn drain_time(&self) -> Duration {
        self.settings.drain
    }

    pub(crate) fn is_healthy(&self) -> bool {
        self.settings.mode != Mode::Unhealthy
            && !self.draining.load(Ordering::SeqCst)
            && self.started.elapsed() >= self.settings.ready
    }

    pub(crate) fn start_draining(&self) {
        self.draining.store(true, Ordering::SeqCst);
    }

    /// Makes the accepting thread drop the listener; `addr` is where it listens.
    pub(crate) fn close_port(&self, addr: SocketAddr) {
        self.closing.store(true, Ordering::SeqCst);
        // A blocked accept wakes up for a connection only.
        let _ = TcpStream::connect((wake_up_ip(addr), addr.port()));
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::SeqCst)
    }

    fn serve(&self, stream: &TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(IDLE_LIMIT))?;
        let mut reader = BufReader::new(stream);
        while let Some(request) = Request::read(&mut reader)? {
            let _under_way = InFlight::enter(&self.in_flight);
            let response = respond(self, &request);
            let keep_alive = request.keep_alive && !self.draining.load(Ordering::SeqCst);
            response.write(&mut &*stream, self.version(), keep_alive, request.method == "HEAD")?;
            if !keep_alive {
                break;
            }
        }
        Ok(())
    }
}

/// Counts a request as under way while it lives, also when its connection fails.
struct InFlight<'a>(&'a AtomicUsize);

impl<'a> InFlight<'a> {
    fn enter(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Serves until SIGTERM.
pub(crate) fn run() -> ExitCode {
    match start() {
        Ok(code) => code,
        Err(problem) => {
            report(&problem);
            ExitCode::from(2)
        }
    }
}

fn start() -> Result<ExitCode, String> {
    let settings = Settings::read(|name| env::var(name).ok())?;
    // Before the port opens: whoever can connect can also expect SIGTERM to work.
    let signals = shutdown::register().map_err(|error| format!("registering for signals: {error}"))?;
    let listener =
        TcpListener::bind(settings.addr).map_err(|error| format!("binding {}: {error}", settings.addr))?;
    let addr = listener.local_addr().map_err(|error| format!("asking for the port: {error}"))?;
    let server = Arc::new(Server {
        settings,
        hostname: hostname(),
        started: Instant::now(),
        draining: AtomicBool::new(false),
        closing: AtomicBool::new(false),
        in_flight: AtomicUsize::new(0),
    });
    report(&format!("{} listens on {addr}", server.version()));

    if let Mode::Crash { after } = server.settings.mode {
        thread::spawn(move || {
            thread::sleep(after);
            process::exit(3);
        });
    }
    let accepting = Arc::clone(&server);
    thread::spawn(move || accept(&accepting, listener));
    Ok(shutdown::wait(signals, &server, addr))
}

/// Takes the listener by value: the port closes when this returns.
fn accept(server: &Arc<Server>, listener: TcpListener) {
    for stream in listener.incoming() {
        if server.closing.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else {
            // Out of descriptors, most likely; the next accept would fail at once again.
            thread::sleep(Duration::from_millis(10));
            continue;
        };
        let server = Arc::clone(server);
        // A connection that fails, or for which there is no thread, is closed; its client notices.
        let _ = thread::Builder::new().stack_size(STACK_SIZE).spawn(move || server.serve(&stream));
    }
}

fn wake_up_ip(addr: SocketAddr) -> std::net::IpAddr {
    if addr.ip().is_unspecified() { std::net::Ipv4Addr::LOCALHOST.into() } else { addr.ip() }
}

fn hostname() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname")
        .map_or_else(|_| "unknown".to_owned(), |name| name.trim().to_owned())
}
