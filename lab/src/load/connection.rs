use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::report::FailureKind;

/// An answer longer than this is not one of our test server's.
const HEAD_LIMIT: usize = 64 * 1024;

/// A part of an answer that matters to the load.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) version: Option<String>,
    pub(super) keep_alive: bool,
}

/// Why no whole answer came.
#[derive(Debug)]
pub(super) struct Lost {
    pub(super) kind: FailureKind,
    pub(super) detail: String,
    /// The connection ended before a byte of the answer: on a reused one, the server may have closed it while idle.
    pub(super) before_first_byte: bool,
}

impl Lost {
    fn new(kind: FailureKind, detail: impl ToString) -> Self {
        Self { kind, detail: detail.to_string(), before_first_byte: false }
    }
}

/// An HTTP/1.1 connection to the server under load.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
}

impl Connection {
    pub(super) fn open(addr: SocketAddr, deadline: Instant) -> Result<Self, Lost> {
        let stream = TcpStream::connect_timeout(&addr, left(deadline)).map_err(|error| {
            let timed_out = error.kind() == ErrorKind::TimedOut;
            Lost::new(if timed_out { FailureKind::Timeout } else { FailureKind::Connect }, error)
        })?;
        stream.set_nodelay(true).map_err(|error| Lost::new(FailureKind::Connect, error))?;
        Ok(Self { stream })
    }

    pub(super) fn exchange(&mut self, request: &[u8], deadline: Instant) -> Result<Answer, Lost> {
        self.write(request, deadline)?;
        let mut bytes = Vec::with_capacity(512);
        let head_end = loop {
            if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            if bytes.len() > HEAD_LIMIT {
                return Err(Lost::new(FailureKind::Protocol, "the header has no end"));
            }
            if self.read(&mut bytes, deadline)? == 0 {
                let before_first_byte = bytes.is_empty();
                let detail = if before_first_byte { "before the first byte" } else { "in the header" };
                return Err(Lost { before_first_byte, ..Lost::new(FailureKind::Closed, detail) });
            }
        };
        let head = Head::parse(bytes.get(..head_end).unwrap_or_default())
            .ok_or_else(|| Lost::new(FailureKind::Protocol, String::from_utf8_lossy(&bytes)))?;
        match head.length {
            Some(length) => {
                while bytes.len() < head_end + length {
                    if self.read(&mut bytes, deadline)? == 0 {
                        return Err(Lost::new(FailureKind::Closed, "in the body"));
                    }
                }
            }
            // The body ends with the connection.
            None => while self.read(&mut bytes, deadline)? > 0 {},
        }
        Ok(head.answer)
    }

    fn write(&mut self, request: &[u8], deadline: Instant) -> Result<(), Lost> {
        self.stream
            .set_write_timeout(Some(left(deadline)))
            .and_then(|()| self.stream.write_all(request))
            .map_err(|error| Lost { before_first_byte: is_cut(&error), ..lost(&error) })
    }

    fn read(&mut self, bytes: &mut Vec<u8>, deadline: Instant) -> Result<usize, Lost> {
        let mut chunk = [0; 4096];
        let count = self
            .stream
            .set_read_timeout(Some(left(deadline)))
            .and_then(|()| self.stream.read(&mut chunk))
            .map_err(|error| Lost {
                before_first_byte: bytes.is_empty() && is_cut(&error),
                ..lost(&error)
            })?;
        bytes.extend_from_slice(chunk.get(..count).unwrap_or_default());
        Ok(count)
    }
}

/// A socket takes no timeout of zero; a millisecond past the deadline does no harm.
fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
}

fn is_cut(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::NotConnected
    )
}

fn lost(error: &io::Error) -> Lost {
    let kind = match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => FailureKind::Timeout,
        _ => FailureKind::Closed,
    };
    Lost::new(kind, error)
}

#[derive(Debug)]
struct Head {
    answer: Answer,
    length: Option<usize>,
}

impl Head {
    /// `None` for what is not HTTP/1, and for a chunked body, which our test server never sends.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let mut lines = text.split("\r\n");
        let mut first = lines.next()?.split(' ');
        let http_1_1 = match first.next()? {
            "HTTP/1.1" => true,
            "HTTP/1.0" => false,
            _ => return None,
        };
        let mut answer = Answer { status: first.next()?.parse().ok()?, version: None, keep_alive: http_1_1 };
        let mut length = None;
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            let value = value.trim();
            if name.eq_ignore_ascii_case("content-length") {
                length = Some(value.parse().ok()?);
            } else if name.eq_ignore_ascii_case("x-version") {
                answer.version = Some(value.to_owned());
            } else if name.eq_ignore_ascii_case("connection") {
                answer.keep_alive = http_1_1 && !value.eq_ignore_ascii_case("close");
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                return None;
            }
        }
        answer.keep_alive &= length.is_some();
        Some(Self { answer, length })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_tells_status_version_length_and_reuse() {
        let head = Head::parse(b"HTTP/1.1 200 OK\r\nX-Version: v7\r\ncontent-length: 5\r\n\r\n").unwrap();
        assert_eq!(head.answer.status, 200);
        assert_eq!(head.answer.version.as_deref(), Some("v7"));
        assert_eq!(head.length, Some(5));
        assert!(head.answer.keep_alive);
    }

    #[test]
    fn a_body_that_ends_with_the_connection_forbids_reuse() {
        let head = Head::parse(b"HTTP/1.1 503 Service Unavailable\r\n\r\n").unwrap();
        assert!(!head.answer.keep_alive);
        let head = Head::parse(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n").unwrap();
        assert!(!head.answer.keep_alive);
    }

    #[test]
    fn anything_else_is_refused() {
        assert!(Head::parse(b"SSH-2.0-OpenSSH\r\n\r\n").is_none());
        assert!(Head::parse(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").is_none());
    }
}
