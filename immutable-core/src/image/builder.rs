use std::fmt::Debug;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::Image;
use crate::digest::Digest;
use crate::error::{Retry, Source};
use crate::id::ImageName;

/// Everything that goes into an image, as its builder wrote it down canonically.
///
/// The digest of the encoding names the recipe: the same digest means the same image, which is never baked twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Recipe {
    /// What the image is called.
    pub name: ImageName,
    /// Its version.
    pub version: semver::Version,
    /// The image it is baked on top of, if any.
    pub base: Option<Digest>,
    /// The builder's own canonical encoding of all inputs, with the digest of every file.
    pub inputs: Vec<u8>,
}

impl Recipe {
    /// A recipe without a base image.
    #[must_use]
    pub const fn new(name: ImageName, version: semver::Version, inputs: Vec<u8>) -> Self {
        Self { name, version, base: None, inputs }
    }

    /// The identity of the recipe.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let base = self.base.map(|base| base.to_string()).unwrap_or_default();
        let version = self.version.to_string();
        Digest::of_fields(
            "immutable recipe v1",
            &[self.name.as_str().as_bytes(), version.as_bytes(), base.as_bytes(), &self.inputs],
        )
    }
}

/// Bakes images.
#[async_trait]
pub trait ImageBuilder: Debug + Send + Sync {
    /// Bakes the image of a recipe, or returns the one that was baked before. May be repeated at any time.
    ///
    /// # Errors
    /// [`BakeError`]; nothing half-baked is left behind.
    async fn bake(&self, recipe: &Recipe) -> Result<Image, BakeError>;
}

/// Why nothing was baked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BakeError {
    /// The recipe must be changed.
    #[error("the recipe cannot be baked: {reason}")]
    InvalidRecipe {
        /// What is wrong with it and what to do.
        reason: String,
    },
    /// The platform did not do it.
    #[error("baking failed")]
    Platform {
        /// Whether another try can help.
        retry: Retry,
        /// What the platform said.
        #[source]
        source: Source,
    },
}
