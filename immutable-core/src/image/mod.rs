//! Images: what is baked once, named by its digest and never changed.

mod builder;
mod catalog;
mod provenance;
mod record;
mod status;

pub use builder::{BakeError, ImageBuilder, Recipe};
pub use catalog::{Catalog, CatalogError, Reference};
pub use provenance::{Dependency, Provenance};
pub use record::{Image, Location};
pub use status::Status;
