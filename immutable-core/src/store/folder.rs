use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;

use crate::error::Retry;
use crate::journal::{Created, JournalStore, Key, StoreError};

/// A store in a folder of a local file system; one file for each commit.
///
/// An object is written to a temporary file, synced, and linked to its name, which fails if the name is taken; then
/// the folder is synced. So an object is there whole or not at all, also after a crash of the machine. Use it on a file
/// system with working hard links, from processes of one machine.
///
/// Needs a tokio runtime: files are written on its threads for blocking work.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use immutable_core::RolloutId;
/// use immutable_core::journal::{Created, JournalStore, Key};
/// use immutable_core::store::FolderStore;
///
/// let folder = tempfile::tempdir().unwrap();
/// let store = FolderStore::new(folder.path());
/// let key = Key::new(RolloutId::new("deploy-42").unwrap(), 1);
/// assert_eq!(store.create_if_absent(&key, b"first").await.unwrap(), Created::Yes);
/// assert_eq!(store.create_if_absent(&key, b"second").await.unwrap(), Created::AlreadyExists);
/// assert_eq!(store.get(&key).await.unwrap().unwrap(), b"first");
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct FolderStore {
    root: PathBuf,
}

/// Tells temporary files of one process apart.
static TEMPORARY: AtomicU64 = AtomicU64::new(0);

impl FolderStore {
    /// A store in this folder, which is made when first needed.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    fn folder(&self, key: &Key) -> PathBuf {
        self.root.join("rollout").join(key.rollout().as_str()).join(key.part().name())
    }

    fn file(&self, key: &Key) -> PathBuf {
        self.folder(key).join(format!("{:020}", key.seq()))
    }
}

#[async_trait]
impl JournalStore for FolderStore {
    async fn create_if_absent(&self, key: &Key, bytes: &[u8]) -> Result<Created, StoreError> {
        let (file, seq, bytes) = (self.file(key), key.seq(), bytes.to_vec());
        blocking("create", file.clone(), move || create(&file, seq, &bytes)).await
    }

    async fn list(&self, from: &Key) -> Result<Vec<Key>, StoreError> {
        let (folder, from) = (self.folder(from), from.clone());
        blocking("list", folder.clone(), move || {
            let entries = match fs::read_dir(&folder) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
                entries => entries?,
            };
            let mut seqs = Vec::new();
            for entry in entries {
                // Anything else is a temporary file or somebody's note.
                seqs.extend(entry?.file_name().to_str().and_then(Key::parse_seq));
            }
            seqs.retain(|seq| *seq >= from.seq());
            seqs.sort_unstable();
            Ok(seqs.into_iter().map(|seq| from.at(seq)).collect())
        })
        .await
    }

    async fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        let file = self.file(key);
        blocking("read", file.clone(), move || match fs::read(&file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            bytes => bytes.map(Some),
        })
        .await
    }
}

fn create(file: &Path, seq: u64, bytes: &[u8]) -> io::Result<Created> {
    // Saves the writing where the answer is plain; the link below decides.
    if file.exists() {
        return Ok(Created::AlreadyExists);
    }
    let folder = file.parent().ok_or(io::ErrorKind::InvalidInput)?;
    if !folder.exists() {
        make_folder(folder)?;
    }
    let number = TEMPORARY.fetch_add(1, Ordering::Relaxed);
    let temporary = folder.join(format!(".{seq:020}-{}-{number}.tmp", std::process::id()));
    let written = write_synced(&temporary, bytes).and_then(|()| match fs::hard_link(&temporary, file) {
        Ok(()) => Ok(Created::Yes),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Created::AlreadyExists),
        Err(error) => Err(error),
    });
    // Also after a failure; that it may not work then is no news.
    let removed = fs::remove_file(&temporary);
    let created = written?;
    removed?;
    sync_folder(folder)?;
    Ok(created)
}

fn write_synced(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut handle = fs::OpenOptions::new().write(true).create_new(true).open(file)?;
    handle.write_all(bytes)?;
    handle.sync_all()
}

/// Makes a folder and those above it, each of which must survive a crash like the files in it.
fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let parent =
        folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    make_folder(parent)?;
    match fs::create_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made.and_then(|()| sync_folder(parent)),
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}

/// Whether another try can help, and what to do.
const fn advice(kind: io::ErrorKind) -> (Retry, &'static str) {
    match kind {
        io::ErrorKind::PermissionDenied => {
            (Retry::Never, "let this process write to the folder, then resume the rollout")
        }
        io::ErrorKind::ReadOnlyFilesystem => {
            (Retry::Never, "mount its file system for writing, then resume the rollout")
        }
        io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory | io::ErrorKind::InvalidInput => {
            (Retry::Never, "move away what is in its place, then resume the rollout")
        }
        io::ErrorKind::Unsupported | io::ErrorKind::CrossesDevices => {
            (Retry::Never, "keep journals on a file system with hard links, then resume the rollout")
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            (Retry::Backoff, "make room there: it is tried again")
        }
        _ => (Retry::Backoff, "it is tried again"),
    }
}

async fn blocking<T: Send + 'static>(
    action: &'static str,
    place: PathBuf,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, StoreError> {
    let failed = |source: io::Error| {
        let (retry, way_out) = advice(source.kind());
        StoreError::new(action, place.display().to_string(), retry, Box::new(source)).way_out(way_out)
    };
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other).and_then(|done| done).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::RolloutId;

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    #[test]
    fn nothing_temporary_is_left_and_foreign_files_are_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let store = FolderStore::new(folder.path().join("deep/journals"));
        let rollout = RolloutId::new("r").unwrap();
        run(async {
            assert!(store.list(&Key::new(rollout.clone(), 1)).await.unwrap().is_empty());
            for seq in [2, 1] {
                store.create_if_absent(&Key::new(rollout.clone(), seq), b"x").await.unwrap();
            }
            store.create_if_absent(&Key::new(rollout.clone(), 2), b"y").await.unwrap();
        });
        let log = folder.path().join("deep/journals/rollout/r/log");
        assert_eq!(fs::read_dir(&log).unwrap().count(), 2);
        fs::write(log.join("README"), "note").unwrap();
        let keys = run(store.list(&Key::new(rollout.clone(), 1))).unwrap();
        assert_eq!(keys.iter().map(Key::seq).collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn an_unusable_folder_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let store = FolderStore::new(file.path());
        let key = Key::new(RolloutId::new("r").unwrap(), 1);
        let error = run(store.create_if_absent(&key, b"x")).unwrap_err();
        assert!(error.to_string().contains(&file.path().display().to_string()), "{error}");
        assert!(error.to_string().contains("move away what is in its place"), "{error}");
    }
}
