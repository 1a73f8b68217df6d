use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use immutable_core::image::{Catalog, CatalogError, Image, Reference};
use immutable_core::{Channel, Digest, ImageName};

use super::shelf::Shelf;

/// A catalog in memory.
///
/// A revocation with descent is not copied to the images below: it is looked up, so an image that is published on top
/// of a revoked one later is refused as well.
///
/// ```
/// use immutable_core::image::{Catalog, CatalogError, Image, Reference};
/// use immutable_core::{Channel, Digest, ImageName, Timestamp};
/// use immutable_testkit::catalog::MemoryCatalog;
/// use immutable_testkit::clock::VirtualClock;
///
/// let clock = VirtualClock::new(Timestamp::UNIX_EPOCH);
/// let catalog = MemoryCatalog::new();
/// let web = ImageName::new("web").unwrap();
/// let image = |version: &str| Image::new(web.clone(), version.parse().unwrap(), Digest::of(version.as_bytes()));
///
/// clock.run(async {
///     for version in ["1.0.0", "1.1.0", "2.0.0"] {
///         catalog.publish(&image(version)).await?;
///     }
///     let stable = Channel::new("stable").unwrap();
///     catalog.promote(&image("1.0.0").digest, &stable).await?;
///
///     let newest_1 = Reference::Version("1".parse().unwrap());
///     assert_eq!(catalog.resolve(&web, &newest_1).await?, image("1.1.0"));
///     assert_eq!(catalog.resolve(&web, &Reference::Channel(stable)).await?, image("1.0.0"));
///
///     catalog.revoke(&image("1.1.0").digest, "leaks keys", true).await?;
///     assert_eq!(catalog.resolve(&web, &newest_1).await?, image("1.0.0"));
///     Ok::<(), CatalogError>(())
/// })
/// .unwrap();
/// ```
#[derive(Debug, Default)]
pub struct MemoryCatalog {
    shelf: Mutex<Shelf>,
}

impl MemoryCatalog {
    /// A catalog without images.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Catalog for MemoryCatalog {
    async fn publish(&self, image: &Image) -> Result<(), CatalogError> {
        self.lock().publish(image)
    }

    async fn resolve(&self, name: &ImageName, reference: &Reference) -> Result<Image, CatalogError> {
        self.lock().resolve(name, reference)
    }

    async fn promote(&self, digest: &Digest, channel: &Channel) -> Result<(), CatalogError> {
        self.lock().promote(digest, channel)
    }

    async fn deprecate(&self, digest: &Digest, reason: &str) -> Result<(), CatalogError> {
        self.lock().deprecate(digest, reason)
    }

    async fn revoke(&self, digest: &Digest, reason: &str, descend: bool) -> Result<(), CatalogError> {
        self.lock().revoke(digest, reason, descend)
    }

    async fn list(&self, name: &ImageName) -> Result<Vec<Image>, CatalogError> {
        Ok(self.lock().list(name))
    }

    async fn collect(&self, name: &ImageName, keep: &[Digest]) -> Result<Vec<Digest>, CatalogError> {
        Ok(self.lock().collect(name, keep))
    }
}
