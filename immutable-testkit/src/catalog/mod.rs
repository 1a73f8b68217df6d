//! A catalog in memory.

mod memory_catalog;
mod shelf;

pub use memory_catalog::MemoryCatalog;
