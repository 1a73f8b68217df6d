use std::fs::{self, FileType};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::error::ArchiveError;

/// One file, folder or link of a folder that is baked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Relative to the folder.
    pub(super) path: PathBuf,
    pub(super) kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Folder,
    File {
        /// Whether its owner may execute it. The bits of others depend on somebody's umask.
        executable: bool,
    },
    /// Kept as it is written, also when it leads nowhere or out of the folder: it is followed in the container, where
    /// the folder is the root.
    Link {
        target: PathBuf,
    },
}

/// Everything in a folder, sorted by the bytes of the path; so a folder comes before what is in it.
pub(super) fn entries(folder: &Path) -> Result<Vec<Entry>, ArchiveError> {
    let mut entries = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(parent) = folders.pop() {
        let at = folder.join(&parent);
        let read = |source| ArchiveError::Read { path: at.clone(), source };
        for found in fs::read_dir(&at).map_err(read)? {
            let name = found.map_err(read)?.file_name();
            let path = parent.join(&name);
            let full = folder.join(&path);
            if name.as_bytes().starts_with(b".wh.") {
                let reason = "in a layer, names that begin with `.wh.` delete other files";
                return Err(ArchiveError::Unsupported { path: full, reason });
            }
            let kind = kind(&full)?;
            if kind == Kind::Folder {
                folders.push(path.clone());
            }
            entries.push(Entry { path, kind });
        }
    }
    entries.sort_by(|a, b| a.path.as_os_str().as_bytes().cmp(b.path.as_os_str().as_bytes()));
    Ok(entries)
}

fn kind(path: &Path) -> Result<Kind, ArchiveError> {
    let read = |source| ArchiveError::Read { path: path.to_owned(), source };
    let metadata = fs::symlink_metadata(path).map_err(read)?;
    let file_type = metadata.file_type();
    if file_type.is_dir() {
        Ok(Kind::Folder)
    } else if file_type.is_file() {
        Ok(Kind::File { executable: metadata.permissions().mode() & 0o100 != 0 })
    } else if file_type.is_symlink() {
        Ok(Kind::Link { target: fs::read_link(path).map_err(read)? })
    } else {
        Err(ArchiveError::Unsupported { path: path.to_owned(), reason: name_of(file_type) })
    }
}

fn name_of(file_type: FileType) -> &'static str {
    if file_type.is_socket() {
        "it is a socket"
    } else if file_type.is_fifo() {
        "it is a named pipe"
    } else if file_type.is_block_device() || file_type.is_char_device() {
        "it is a device"
    } else {
        "it is neither a file, a folder nor a symbolic link"
    }
}
