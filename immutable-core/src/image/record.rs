use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Provenance, Status};
use crate::digest::Digest;
use crate::id::ImageName;
use crate::time::Timestamp;

/// A published image. Its identity is the content digest; name and version are labels for people.
///
/// ```
/// use immutable_core::image::{Image, Status};
/// use immutable_core::{Digest, ImageName};
///
/// let image = Image::new(ImageName::new("web").unwrap(), "1.4.0".parse().unwrap(), Digest::of(b"content"));
/// assert_eq!(image.status, Status::Active);
/// assert_eq!(image.to_string(), format!("web 1.4.0 ({})", image.digest.short()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Image {
    /// Version of this record's layout; 1 today.
    pub schema: u32,
    /// What it is called.
    pub name: ImageName,
    /// Its version; a label, never an identity.
    pub version: semver::Version,
    /// Digest of its content: its identity.
    pub digest: Digest,
    /// Digest of the recipe it was baked from; the same recipe is never baked twice.
    pub recipe: Option<Digest>,
    /// The image it was baked on top of.
    pub parent: Option<Digest>,
    /// Who baked it, from what.
    pub provenance: Option<Provenance>,
    /// Where platforms find it; not part of its identity.
    pub locations: Vec<Location>,
    /// When it was baked.
    pub created: Option<Timestamp>,
    /// From when on it may not be launched any more.
    pub expires: Option<Timestamp>,
    /// Whether it may be launched.
    pub status: Status,
    /// Free labels.
    pub labels: BTreeMap<String, String>,
}

/// Where one platform finds an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Location {
    /// The platform, for example `docker` or `aws`.
    pub platform: String,
    /// The region or registry, where the platform has such.
    pub region: Option<String>,
    /// The platform's own name of the image there.
    pub reference: String,
}

impl Image {
    /// An active image without recipe, parent, provenance, locations or expiry.
    #[must_use]
    pub const fn new(name: ImageName, version: semver::Version, digest: Digest) -> Self {
        Self {
            schema: 1,
            name,
            version,
            digest,
            recipe: None,
            parent: None,
            provenance: None,
            locations: Vec::new(),
            created: None,
            expires: None,
            status: Status::Active,
            labels: BTreeMap::new(),
        }
    }

    /// Whether new instances may be launched from it at this time: it is not revoked and not expired.
    #[must_use]
    pub fn launchable(&self, now: Timestamp) -> bool {
        !matches!(self.status, Status::Revoked { .. }) && self.expires.is_none_or(|end| now < end)
    }
}

impl std::fmt::Display for Image {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} ({})", self.name, self.version, self.digest.short())
    }
}
