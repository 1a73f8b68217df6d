use std::fmt::Debug;

use async_trait::async_trait;

use super::Image;
use crate::digest::Digest;
use crate::error::{Retry, Source};
use crate::id::{Channel, ImageName};

/// How a user names an image; a rollout resolves it to a digest once and pins that.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reference {
    /// Exactly this content.
    Digest(Digest),
    /// The highest active version that matches.
    Version(semver::VersionReq),
    /// What the channel points to.
    Channel(Channel),
}

/// Where images are published, found, moved between channels, deprecated, revoked and collected.
///
/// Every method may be repeated: the second call with the same arguments changes nothing.
#[async_trait]
pub trait Catalog: Debug + Send + Sync {
    /// Adds an image.
    ///
    /// # Errors
    /// [`CatalogError::Conflict`] when the name and version exist with another digest: a version is never reused.
    async fn publish(&self, image: &Image) -> Result<(), CatalogError>;

    /// Finds the one image a reference means. Never returns a revoked image.
    ///
    /// # Errors
    /// [`CatalogError::NotFound`], or [`CatalogError::Revoked`] when the only match was revoked.
    async fn resolve(&self, name: &ImageName, reference: &Reference) -> Result<Image, CatalogError>;

    /// Points a channel to an image.
    ///
    /// # Errors
    /// [`CatalogError::NotFound`] or [`CatalogError::Revoked`].
    async fn promote(&self, digest: &Digest, channel: &Channel) -> Result<(), CatalogError>;

    /// Marks an image as no longer wanted for new rollouts.
    ///
    /// # Errors
    /// [`CatalogError::NotFound`].
    async fn deprecate(&self, digest: &Digest, reason: &str) -> Result<(), CatalogError>;

    /// Forbids launching an image, and with `descend` every image baked on top of it.
    ///
    /// # Errors
    /// [`CatalogError::NotFound`].
    async fn revoke(&self, digest: &Digest, reason: &str, descend: bool) -> Result<(), CatalogError>;

    /// All images of a name, lowest version first.
    ///
    /// # Errors
    /// [`CatalogError::Platform`].
    async fn list(&self, name: &ImageName) -> Result<Vec<Image>, CatalogError>;

    /// Removes the images of a name that are not in `keep`, in no channel and not the parent of a kept one; returns
    /// the digests of those removed.
    ///
    /// # Errors
    /// [`CatalogError::Platform`]; what was removed before stays removed.
    async fn collect(&self, name: &ImageName, keep: &[Digest]) -> Result<Vec<Digest>, CatalogError>;
}

/// Why a catalog did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogError {
    /// Ask for something else.
    #[error("no image {wanted} in the catalog")]
    NotFound {
        /// What was asked for.
        wanted: String,
    },
    /// Choose another image.
    #[error("image {digest} is revoked: {reason}")]
    Revoked {
        /// The image.
        digest: Digest,
        /// Why it was revoked.
        reason: String,
    },
    /// Choose another version.
    #[error("{name} {version} is already published as {existing}")]
    Conflict {
        /// The name.
        name: ImageName,
        /// The version.
        version: semver::Version,
        /// What it means already.
        existing: Digest,
    },
    /// The catalog could not be reached or refused.
    #[error("the catalog failed")]
    Platform {
        /// Whether another try can help.
        retry: Retry,
        /// What it said.
        #[source]
        source: Source,
    },
}
