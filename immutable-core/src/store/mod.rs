//! Journal stores that do I/O.

mod folder;

pub use folder::FolderStore;
