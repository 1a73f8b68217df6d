use std::io;
use std::path::PathBuf;

use immutable_core::Digest;
use immutable_core::error::Retry;
use immutable_core::image::BakeError;

/// Why no archive was made of a folder.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// Change the recipe.
    #[error("the recipe cannot be baked: {reason}")]
    Invalid {
        /// What is wrong with it and what to do.
        reason: String,
    },
    /// Remove the file, or make it one that an image can hold.
    #[error("{path} cannot be put into an image: {reason}", path = path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What it is.
        reason: &'static str,
    },
    /// Leave the folder alone while it is baked, and bake again.
    #[error("{path} changed while it was baked", path = path.display())]
    Changed {
        /// The file, or the folder when the file is not known.
        path: PathBuf,
    },
    /// A file could not be read.
    #[error("reading {path} failed", path = path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The archive could not be written.
    #[error("writing the archive failed")]
    Write {
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl From<ArchiveError> for BakeError {
    fn from(error: ArchiveError) -> Self {
        match error {
            ArchiveError::Invalid { reason } => Self::InvalidRecipe { reason },
            ArchiveError::Unsupported { .. } => Self::InvalidRecipe { reason: error.to_string() },
            ArchiveError::Changed { .. } => Self::Platform { retry: Retry::Backoff, source: Box::new(error) },
            ArchiveError::Read { .. } | ArchiveError::Write { .. } => {
                Self::Platform { retry: Retry::Never, source: Box::new(error) }
            }
        }
    }
}

/// What went wrong between this library and an engine's images: the source of a [`BakeError::Platform`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImagesError {
    /// The engine failed, refused or was not reached.
    #[error("the Docker engine did not {action}")]
    Engine {
        /// What was tried, for example `load the image`.
        action: &'static str,
        /// What the engine said.
        #[source]
        source: bollard::errors::Error,
    },
    /// The engine loaded the archive and does not know the image by its digest.
    #[error(
        "the image was loaded as {found} and not as {expected}: engines that keep images in containerd name them \
         otherwise; use the engine's own image store (`\"features\": {{\"containerd-snapshotter\": false}}`)"
    )]
    OtherIdentity {
        /// The digest of the archive.
        expected: Digest,
        /// What the engine calls it.
        found: String,
    },
}

impl From<ImagesError> for BakeError {
    fn from(error: ImagesError) -> Self {
        use bollard::errors::Error::DockerResponseServerError;
        let retry = match &error {
            // An image in use: a container may go away.
            ImagesError::Engine { source: DockerResponseServerError { status_code: 409, .. }, .. } => {
                Retry::Backoff
            }
            ImagesError::Engine {
                source: DockerResponseServerError { status_code: 400..500, .. }, ..
            } => Retry::Never,
            ImagesError::Engine { .. } => Retry::Backoff,
            ImagesError::OtherIdentity { .. } => Retry::Never,
        };
        Self::Platform { retry, source: Box::new(error) }
    }
}
