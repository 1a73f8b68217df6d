use std::fs;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use crate::request::Request;
use crate::server::Server;

/// The longest time `/slow` sleeps.
const SLOW_LIMIT: u64 = 60_000;

/// A status and a short text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Response {
    status: u16,
    body: String,
}

impl Response {
    fn new(status: u16, body: impl Into<String>) -> Self {
        Self { status, body: body.into() }
    }

    pub(crate) fn write(
        &self,
        to: &mut impl Write,
        version: &str,
        keep_alive: bool,
        head_only: bool,
    ) -> io::Result<()> {
        let reason = match self.status {
            200 => "OK",
            404 => "Not Found",
            405 => "Method Not Allowed",
            503 => "Service Unavailable",
            _ => "Internal Server Error",
        };
        let connection = if keep_alive { "keep-alive" } else { "close" };
        let mut text = format!(
            "HTTP/1.1 {} {reason}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nX-Version: {version}\r\n\
             Connection: {connection}\r\n\r\n",
            self.status,
            self.body.len(),
        );
        if !head_only {
            text.push_str(&self.body);
        }
        // One write, so that a cut connection shows either nothing or everything of a short answer.
        to.write_all(text.as_bytes())
    }
}

/// The answer to a request.
pub(crate) fn respond(server: &Server, request: &Request) -> Response {
    if !matches!(request.method.as_str(), "GET" | "HEAD" | "POST") {
        return Response::new(405, "only GET, HEAD and POST");
    }
    match request.path.as_str() {
        "/" => greeting(server),
        "/healthz" if server.is_healthy() => Response::new(200, "ok"),
        "/healthz" => Response::new(503, "not ready"),
        "/slow" => {
            thread::sleep(Duration::from_millis(request.number("ms").unwrap_or(0).min(SLOW_LIMIT)));
            greeting(server)
        }
        "/write" => write_drift(),
        _ => Response::new(404, "no such page"),
    }
}

fn greeting(server: &Server) -> Response {
    Response::new(200, format!("{} {}", server.version(), server.hostname()))
}

fn write_drift() -> Response {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let name = format!("drift-{}", NEXT.fetch_add(1, Ordering::Relaxed));
    match fs::write(&name, "drift\n") {
        Ok(()) => Response::new(200, format!("wrote {name}")),
        Err(error) => Response::new(500, format!("{name}: {error}")),
    }
}
