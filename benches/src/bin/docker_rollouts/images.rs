use std::path::Path;

use immutable_core::{Digest, ImageName};
use immutable_docker::bake::{Archive, ArchiveRecipe, DockerImages, HealthCheck};
use immutable_lab::Lab;
use semver::Version;

use crate::error::BenchError;

/// The test web server in its versions, all with the same layer.
#[derive(Clone, Debug)]
pub(crate) struct Images {
    pub(crate) v1: Baked,
    pub(crate) v2: Baked,
    /// With a `HEALTHCHECK`, as Swarm needs it.
    pub(crate) checked_v1: Baked,
    pub(crate) checked_v2: Baked,
    /// Never replaced by anybody: what stands beside a contestant runs it.
    pub(crate) bystander: Baked,
}

/// An image that the engine has.
#[derive(Clone, Debug)]
pub(crate) struct Baked {
    pub(crate) digest: Digest,
    /// Under which Swarm and docker-compose know it.
    pub(crate) tag: String,
}

impl Images {
    pub(crate) fn bake(lab: &Lab) -> Result<Self, BenchError> {
        let folder = tempfile::tempdir().map_err(BenchError::io("making a folder for an image"))?;
        let binary = lab.web_binary()?;
        std::fs::copy(binary.path(), folder.path().join("web"))
            .map_err(BenchError::io("copying the web server"))?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(BenchError::io("starting a runtime"))?;
        let images = DockerImages::connect(lab.socket())?;
        let name = ImageName::new("web").map_err(|error| BenchError::unexpected("the image name", error))?;
        let bake = |version: u64, checked: bool| -> Result<Baked, BenchError> {
            let archive = archive(folder.path(), version, checked)?;
            let image = runtime.block_on(images.load(&archive, &name, &Version::new(version, 0, 0)))?;
            Ok(Baked { digest: image.digest, tag: archive.tag(&name) })
        };
        Ok(Self {
            v1: bake(1, false)?,
            v2: bake(2, false)?,
            checked_v1: bake(1, true)?,
            checked_v2: bake(2, true)?,
            bystander: bake(0, false)?,
        })
    }
}

fn archive(folder: &Path, version: u64, checked: bool) -> Result<Archive, BenchError> {
    let recipe = ArchiveRecipe::from_folder(folder, ["/web"])
        .env("VERSION", format!("v{version}"))
        .env("DRAIN_MS", "0")
        .exposed_port(8080)
        .user("65534:65534");
    let recipe = if checked { recipe.health_check(HealthCheck::new(["/web", "health"])) } else { recipe };
    Ok(recipe.build()?)
}
