use std::io;
use std::net::SocketAddr;
use std::sync::Weak;
use std::time::Duration;

use immutable_core::InstanceId;
use immutable_core::fleet::Health;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use super::Board;
use crate::config::HttpProbe;

/// `HTTP/1.1 200` is all that is read of an answer.
const STATUS_BYTES: usize = 12;
/// How much of the rest is read, and for how long, so that the server sees a client that listens and no reset.
const REST_BYTES: u64 = 16 * 1024;
const REST_TIME: Duration = Duration::from_millis(100);

/// Probes one container until it is dropped, and reports changes of its health to the board.
pub(super) async fn run(
    board: Weak<Board>,
    id: InstanceId,
    serial: u64,
    endpoint: SocketAddr,
    probe: HttpProbe,
) {
    let request = request(endpoint, probe.path());
    let mut health = Health::Unknown;
    let mut failures = 0_u32;
    let mut not_ready_since = Instant::now();
    loop {
        let answer = timeout(probe.timeout(), ask(endpoint, &request)).await;
        let (good, stream) = match answer {
            Ok(Ok((status, stream))) => ((200..400).contains(&status), Some(stream)),
            Ok(Err(_)) | Err(_) => (false, None),
        };
        failures = if good { 0 } else { failures.saturating_add(1) };
        let verdict = match (good, failures >= probe.failures().get()) {
            (true, _) => Health::Ready,
            (false, true) => Health::Unready,
            // One lost packet is no verdict.
            (false, false) => health,
        };
        if verdict != health {
            if health == Health::Ready {
                not_ready_since = Instant::now();
            }
            health = verdict;
            let Some(board) = board.upgrade() else { return };
            board.report(&id, serial, health);
        }
        if let Some(stream) = stream {
            let _ = timeout(REST_TIME, discard(stream)).await;
        }
        sleep(match health {
            Health::Ready => probe.interval_ready(),
            Health::Unknown | Health::Unready => probe.pause_starting(not_ready_since.elapsed()),
        })
        .await;
    }
}

fn request(endpoint: SocketAddr, path: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: {endpoint}\r\nUser-Agent: immutable\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    )
}

/// Returns the status code as soon as it is there, and the connection with the rest of the answer.
async fn ask(endpoint: SocketAddr, request: &str) -> io::Result<(u16, TcpStream)> {
    let mut stream = TcpStream::connect(endpoint).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut head = [0; STATUS_BYTES];
    stream.read_exact(&mut head).await?;
    let status = status(&head).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))?;
    Ok((status, stream))
}

fn status(head: &[u8; STATUS_BYTES]) -> Option<u16> {
    let code = std::str::from_utf8(head).ok()?.strip_prefix("HTTP/1.")?.get(1..)?.strip_prefix(' ')?;
    code.bytes().all(|byte| byte.is_ascii_digit()).then(|| code.parse().ok())?
}

async fn discard(stream: TcpStream) -> io::Result<()> {
    tokio::io::copy(&mut stream.take(REST_BYTES), &mut tokio::io::sink()).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_status_line_has_a_status() {
        assert_eq!(status(b"HTTP/1.1 200"), Some(200));
        assert_eq!(status(b"HTTP/1.0 503"), Some(503));
        for bad in [b"HTTP/2 200 O", b"HTTP/1.1 +20", b"SSH-2.0-Open", b"HTTP/1.1  20", &[0xff; 12]] {
            assert_eq!(status(bad), None, "{bad:?}");
        }
    }
}
