//! `lab-web`: the small static web server that the test images run.
//!
//! | path | answer |
//! |---|---|
//! | `/` | `<VERSION> <hostname>`, with the header `X-Version` |
//! | `/healthz` | 200 or 503 |
//! | `/slow?ms=N` | like `/`, after N milliseconds |
//! | `/write` | writes a file into the working directory: drift |
//!
//! | variable | default | meaning |
//! |---|---|---|
//! | `VERSION` | `dev` | what `/` names |
//! | `PORT` | 8080 | the port; 0 takes a free one |
//! | `BIND` | 0.0.0.0 | the address; tests outside a container bind 127.0.0.1 |
//! | `MODE` | `ok` | `unhealthy`: `/healthz` is always 503; `crash:<ms>`: healthy, then exit code 3 |
//! | `READY_MS` | 0 | `/healthz` is 503 for so long after the start |
//! | `DRAIN_MS` | 0 | what SIGTERM does, below |
//!
//! SIGTERM, also as process 1 of a container: with `DRAIN_MS=0` the server exits with 0 at once and cuts what is under
//! way, as many an application does: then only the router can keep requests alive. With more, `/healthz` turns 503 at
//! once, requests are still served for that time but connections close after them, then the port closes, requests under
//! way are finished, and the server exits with 0.
//!
//! `lab-web health` asks the server on 127.0.0.1:`PORT` for `/healthz` and exits with 0 or 1: a `HEALTHCHECK` for an
//! image that has no shell.

mod health;
mod request;
mod responses;
mod server;
mod settings;
mod shutdown;

use std::env;
use std::process::ExitCode;

fn main() -> ExitCode {
    match env::args().nth(1).as_deref() {
        None => server::run(),
        Some("health") => health::check(),
        Some(other) => {
            report(&format!("unknown command {other:?}; there is only `health`"));
            ExitCode::from(2)
        }
    }
}

#[expect(clippy::print_stderr, reason = "a server's log in a container is its standard error")]
fn report(message: &str) {
    eprintln!("lab-web: {message}");
}
