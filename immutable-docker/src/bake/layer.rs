use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use immutable_core::Digest;
use sha2::{Digest as _, Sha256};
use tar::{EntryType, Header};

use super::error::ArchiveError;
use super::tree::{Entry, Kind};

/// Passes everything on and hashes it, so that nothing has to be held in memory for its digest.
pub(super) struct Hashing<W> {
    inner: W,
    hasher: Sha256,
    length: u64,
}

impl<W: Write> Hashing<W> {
    pub(super) fn new(inner: W) -> Self {
        Self { inner, hasher: Sha256::new(), length: 0 }
    }

    /// The digest and the number of bytes of what was written.
    pub(super) fn finish(self) -> (Digest, u64) {
        (Digest::from_bytes(self.hasher.finalize().into()), self.length)
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.length += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Counts what was read, and keeps read errors apart from write errors.
struct Counted<'a> {
    file: io::Take<&'a File>,
    length: u64,
    error: Option<io::Error>,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.file.read(buffer) {
            Ok(read) => {
                self.length += read as u64;
                Ok(read)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                let kind = error.kind();
                self.error = Some(error);
                Err(kind.into())
            }
        }
    }
}

/// Writes the entries as an uncompressed tar whose bytes follow from names, contents, link targets and executable
/// bits only.
pub(super) fn write(folder: &Path, entries: &[Entry], out: impl Write) -> Result<(), ArchiveError> {
    let mut tar = tar::Builder::new(out);
    for entry in entries {
        append(&mut tar, folder, entry)?;
    }
    let mut out = tar.into_inner().map_err(|source| ArchiveError::Write { source })?;
    out.flush().map_err(|source| ArchiveError::Write { source })
}

fn append(tar: &mut tar::Builder<impl Write>, folder: &Path, entry: &Entry) -> Result<(), ArchiveError> {
    let failed = |source| ArchiveError::Write { source };
    match &entry.kind {
        Kind::Folder => {
            let mut header = header(EntryType::Directory, 0o755, 0);
            tar.append_data(&mut header, &entry.path, io::empty()).map_err(failed)
        }
        Kind::Link { target } => {
            let mut header = header(EntryType::Symlink, 0o777, 0);
            tar.append_link(&mut header, &entry.path, target).map_err(failed)
        }
        Kind::File { executable } => {
            let path = folder.join(&entry.path);
            let read = |source| ArchiveError::Read { path: path.clone(), source };
            let file = File::open(&path).map_err(read)?;
            let metadata = file.metadata().map_err(read)?;
            if !metadata.is_file() {
                return Err(ArchiveError::Changed { path });
            }
            let size = metadata.len();
            let mut header = header(EntryType::Regular, if *executable { 0o755 } else { 0o644 }, size);
            let mut data = Counted { file: (&file).take(size), length: 0, error: None };
            let appended = tar.append_data(&mut header, &entry.path, &mut data);
            if let Some(source) = data.error.take() {
                return Err(read(source));
            }
            appended.map_err(failed)?;
            // A file that shrank would shift everything after it in the tar.
            if data.length == size { Ok(()) } else { Err(ArchiveError::Changed { path }) }
        }
    }
}

/// The header of an entry of nobody, at no time.
pub(super) fn header(entry_type: EntryType, mode: u32, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(entry_type);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(size);
    header
}
