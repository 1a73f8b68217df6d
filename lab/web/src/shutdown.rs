use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::server::Server;

/// Requests under way get this long after the port is closed.
const FINISH_WITHIN: Duration = Duration::from_secs(70);

/// How often the end of the requests under way is looked for.
const POLL: Duration = Duration::from_millis(5);

/// Process 1 of a container gets no default actions: without a handler SIGTERM would do nothing.
pub(crate) fn register() -> io::Result<Signals> {
    Signals::new([SIGTERM, SIGINT])
}

/// Waits for the signal to end, and ends in the way the settings ask for.
pub(crate) fn wait(mut signals: Signals, server: &Server, addr: SocketAddr) -> ExitCode {
    signals.forever().next();
    // No drain time: the return of `main` ends the process and cuts every connection.
    if !server.drain_time().is_zero() {
        server.start_draining();
        thread::sleep(server.drain_time());
        server.close_port(addr);
        let deadline = Instant::now() + FINISH_WITHIN;
        while server.in_flight() > 0 && Instant::now() < deadline {
            thread::sleep(POLL);
        }
    }
    ExitCode::SUCCESS
}
