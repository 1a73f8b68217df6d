use std::sync::Arc;

use immutable_core::ImageName;
use immutable_core::image::Catalog;

use crate::conformance::Harness;

/// How the suite gets at a catalog.
pub trait CatalogHarness: Harness {
    /// The catalog under test.
    fn catalog(&self) -> Arc<dyn Catalog>;

    /// A name that no image in the catalog had before this harness was made, beginning with this text. The default is
    /// right for a catalog that is new in each harness.
    fn name(&self, name: &str) -> ImageName {
        #[expect(clippy::expect_used, reason = "the suite asks for valid names only")]
        ImageName::new(name).expect("a valid name")
    }
}
