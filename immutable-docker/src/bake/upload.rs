use std::io::{self, Write};

use futures_util::Stream;
use futures_util::stream;
use tokio::sync::mpsc;

use super::archive::Archive;

/// How much is read before it is sent.
const CHUNK: usize = 256 << 10;
/// How many chunks may wait to be sent.
const WAITING: usize = 4;

/// Writes the archive on a thread that may block and hands it over in chunks, so that a big folder is never in memory
/// as a whole. An archive that cannot be written to its end ends the stream with the error.
pub(super) fn chunks(
    archive: Archive,
    tag: String,
) -> impl Stream<Item = io::Result<Vec<u8>>> + Send + 'static {
    let (sender, receiver) = mpsc::channel(WAITING);
    tokio::task::spawn_blocking(move || {
        let mut writer = Chunks { buffer: Vec::with_capacity(CHUNK), sender };
        if let Err(error) = archive.write_tagged(&[&tag], &mut writer) {
            // Nobody listens any more if the request is over; its outcome says why.
            let _ = writer.sender.blocking_send(Err(io::Error::other(error)));
        }
    });
    stream::unfold(receiver, |mut receiver| async move { Some((receiver.recv().await?, receiver)) })
}

struct Chunks {
    buffer: Vec<u8>,
    sender: mpsc::Sender<io::Result<Vec<u8>>>,
}

impl Write for Chunks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(CHUNK - self.buffer.len());
        self.buffer.extend_from_slice(&bytes[..taken]);
        if self.buffer.len() == CHUNK {
            self.send()?;
        }
        Ok(taken)
    }

    /// The layer flushes too: a short chunk in the middle does no harm.
    fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() { Ok(()) } else { self.send() }
    }
}

impl Chunks {
    fn send(&mut self) -> io::Result<()> {
        let chunk = std::mem::replace(&mut self.buffer, Vec::with_capacity(CHUNK));
        self.sender.blocking_send(Ok(chunk)).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}
