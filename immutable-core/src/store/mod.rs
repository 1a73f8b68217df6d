//! Journal stores that do I/O.

#![expect(clippy::disallowed_methods, reason = "a store's work is I/O")]

mod folder;

pub use folder::FolderStore;
