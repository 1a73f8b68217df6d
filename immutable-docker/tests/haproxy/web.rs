//! A small HTTP server behind the proxy and a keep-alive client in front of it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// Answers every request with its name; `/slow` only when it is released.
pub(crate) struct Web {
    pub(crate) addr: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    name: &'static str,
    requests: AtomicUsize,
    connections: AtomicUsize,
    release: Semaphore,
}

impl Web {
    pub(crate) async fn start(name: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            name,
            requests: AtomicUsize::new(0),
            connections: AtomicUsize::new(0),
            release: Semaphore::new(0),
        });
        let serving = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                serving.connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(answer(stream, Arc::clone(&serving)));
            }
        });
        Self { addr, shared, task }
    }

    /// Requests taken so far.
    pub(crate) fn requests(&self) -> usize {
        self.shared.requests.load(Ordering::SeqCst)
    }

    /// Connections taken so far.
    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Lets one request to `/slow` come to its end.
    pub(crate) fn release(&self) {
        self.shared.release.add_permits(1);
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(stream: TcpStream, shared: Arc<Shared>) -> io::Result<()> {
    let mut stream = BufStream::new(stream);
    loop {
        let path = head(&mut stream).await?;
        shared.requests.fetch_add(1, Ordering::SeqCst);
        if path.contains("/slow") {
            shared.release.acquire().await.map_err(io::Error::other)?.forget();
        }
        let answer =
            format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", shared.name.len(), shared.name);
        stream.write_all(answer.as_bytes()).await?;
        stream.flush().await?;
    }
}

/// One client connection, used for many requests.
pub(crate) struct Client(BufStream<TcpStream>);

impl Client {
    pub(crate) async fn connect(addr: SocketAddr) -> Self {
        Self(BufStream::new(TcpStream::connect(addr).await.unwrap()))
    }

    /// The body, which is the name of the server that answered.
    pub(crate) async fn get(&mut self, path: &str) -> io::Result<String> {
        self.0.write_all(format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n").as_bytes()).await?;
        self.0.flush().await?;
        let mut status = String::new();
        self.0.read_line(&mut status).await?;
        let mut length = 0;
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if line == "\r\n" {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await?;
        if !status.contains(" 200 ") {
            return Err(io::Error::other(status));
        }
        Ok(String::from_utf8_lossy(&body).into_owned())
    }
}

/// Reads a request without body; returns its first line.
async fn head(stream: &mut BufStream<TcpStream>) -> io::Result<String> {
    let mut first = String::new();
    if stream.read_line(&mut first).await? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(first)
}
