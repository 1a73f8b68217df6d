use std::path::Path;
use std::time::Duration;

use bollard::errors::Error as EngineError;
use bollard::models::ImageInspect;
use bollard::query_parameters::{ImportImageOptions, RemoveImageOptions, TagImageOptions};
use bollard::{API_DEFAULT_VERSION, Docker};
use futures_util::TryStreamExt as _;
use immutable_core::image::{BakeError, Image};
use immutable_core::{Digest, ImageName};
use semver::Version;

use super::archive::Archive;
use super::error::ImagesError;
use super::upload;

/// After which an engine that neither takes nor says anything is given up on. Loading 1 GB takes half a minute.
const TIMEOUT: Duration = Duration::from_secs(600);

/// The images of one Docker engine, by content digest.
#[derive(Clone, Debug)]
pub struct DockerImages {
    docker: Docker,
}

impl DockerImages {
    /// The engine at this unix socket. Connects with the first call.
    ///
    /// # Errors
    /// [`BakeError::Platform`] when there is no socket at the path.
    pub fn connect(socket: impl AsRef<Path>) -> Result<Self, BakeError> {
        let path = socket.as_ref().to_string_lossy();
        Docker::connect_with_unix(&path, TIMEOUT.as_secs(), API_DEFAULT_VERSION)
            .map(Self::with)
            .map_err(|source| engine("take a connection", source))
    }

    /// The engine of this client.
    #[must_use]
    pub const fn with(docker: Docker) -> Self {
        Self { docker }
    }

    /// Loads an archive and checks that the engine knows it by its digest. Loads nothing when it does already.
    ///
    /// The image gets a tag of its name and digest ([`Archive::tag`]): engines prune images without one.
    ///
    /// # Errors
    /// [`BakeError::InvalidRecipe`] when Docker does not take such a name, otherwise [`BakeError::Platform`].
    pub async fn load(
        &self,
        archive: &Archive,
        name: &ImageName,
        version: &Version,
    ) -> Result<Image, BakeError> {
        if !is_repository(name) {
            let rule =
                "letters and digits with single `.`, one or two `_`, or any number of `-` between them";
            let reason = format!("Docker does not take the image name {name}: expected {rule}");
            return Err(BakeError::InvalidRecipe { reason });
        }
        let tag = archive.tag(name);
        let loaded = match self.inspect(&archive.digest().to_string()).await? {
            Some(image) => image,
            None => self.upload(archive, &tag).await?,
        };
        if !loaded.repo_tags.unwrap_or_default().contains(&tag) {
            let options =
                TagImageOptions { repo: Some(name.to_string()), tag: Some(archive.digest().short()) };
            let digest = archive.digest().to_string();
            self.docker
                .tag_image(&digest, Some(options))
                .await
                .map_err(|source| engine("tag the image", source))?;
        }
        Ok(archive.image(name.clone(), version.clone()))
    }

    /// Whether the engine has this image.
    ///
    /// # Errors
    /// [`BakeError::Platform`].
    pub async fn exists(&self, digest: &Digest) -> Result<bool, BakeError> {
        Ok(self.inspect(&digest.to_string()).await?.is_some())
    }

    /// Removes an image with all its tags. One that is not there is a success.
    ///
    /// # Errors
    /// [`BakeError::Platform`] when a container uses it, even a stopped one: nothing is forced.
    pub async fn remove(&self, digest: &Digest) -> Result<(), BakeError> {
        let digest = digest.to_string();
        let Some(image) = self.inspect(&digest).await? else { return Ok(()) };
        // The engine removes an image with its last tag, and not by its digest while it has several.
        for tag in image.repo_tags.unwrap_or_default() {
            self.remove_reference(&tag).await?;
        }
        self.remove_reference(&digest).await
    }

    async fn remove_reference(&self, reference: &str) -> Result<(), BakeError> {
        match self.docker.remove_image(reference, None::<RemoveImageOptions>, None).await {
            Ok(_) => Ok(()),
            Err(error) if is_missing(&error) => Ok(()),
            Err(source) => Err(engine("remove the image", source)),
        }
    }

    async fn inspect(&self, reference: &str) -> Result<Option<ImageInspect>, BakeError> {
        match self.docker.inspect_image(reference).await {
            Ok(image) => Ok(Some(image)),
            Err(error) if is_missing(&error) => Ok(None),
            Err(source) => Err(engine("show the image", source)),
        }
    }

    async fn upload(&self, archive: &Archive, tag: &str) -> Result<ImageInspect, BakeError> {
        let chunks = upload::chunks(archive.clone(), tag.to_owned()).map_ok(Into::into);
        self.docker
            .import_image_stream(ImportImageOptions::default(), chunks, None)
            .try_for_each(|_| std::future::ready(Ok(())))
            .await
            .map_err(|source| engine("load the image", source))?;

        let expected = archive.digest();
        // The digest is asked for again: the tag alone would also be found if it was there before.
        let found = self.inspect(&expected.to_string()).await?;
        match found {
            Some(image) if image.id.as_deref() == Some(expected.to_string().as_str()) => Ok(image),
            _ => {
                let by_tag = self.inspect(tag).await?.and_then(|image| image.id);
                let found = by_tag.unwrap_or_else(|| "nothing".to_owned());
                Err(ImagesError::OtherIdentity { expected, found }.into())
            }
        }
    }
}

fn engine(action: &'static str, source: EngineError) -> BakeError {
    ImagesError::Engine { action, source }.into()
}

fn is_missing(error: &EngineError) -> bool {
    matches!(error, EngineError::DockerResponseServerError { status_code: 404, .. })
}

/// Whether Docker takes the name of an image as the name of a repository, of which it has a stricter idea:
/// `[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*`.
fn is_repository(name: &ImageName) -> bool {
    let separators = name.as_str().split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    let good = |text: &str| matches!(text, "" | "." | "_" | "__") || text.bytes().all(|byte| byte == b'-');
    // The name begins with a letter or digit, so only its last separator can be at an end.
    separators.clone().all(good) && name.as_str().ends_with(|c: char| c.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_docker_does_not_take_are_known_before_they_are_sent() {
        for (name, taken) in [
            ("web", true),
            ("w", true),
            ("web.api_v2__x---y", true),
            ("web-", false),
            ("web..api", false),
            ("web___api", false),
            ("web.-api", false),
        ] {
            assert_eq!(is_repository(&ImageName::new(name).unwrap()), taken, "{name}");
        }
    }
}
