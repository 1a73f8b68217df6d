use std::env;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

use crate::{report, settings};

/// A server that does not answer `/healthz` in this time is not healthy.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Exit code 0 when `/healthz` answers 200, else 1: what Docker expects of a `HEALTHCHECK`.
pub(crate) fn check() -> ExitCode {
    let answer = settings::port(|name| env::var(name).ok())
        .and_then(|port| ask(port).map_err(|error| format!("127.0.0.1:{port}: {error}")));
    match answer {
        Ok(answer) if answer.starts_with("HTTP/1.1 200 ") => ExitCode::SUCCESS,
        Ok(answer) => {
            report(answer.lines().next().unwrap_or("no answer"));
            ExitCode::FAILURE
        }
        Err(problem) => {
            report(&problem);
            ExitCode::FAILURE
        }
    }
}

fn ask(port: u16) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
