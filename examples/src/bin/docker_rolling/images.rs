use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use immutable_core::{Digest, ImageName};
use immutable_docker::bake::{ArchiveRecipe, DockerImages};
use immutable_lab::WebBinary;
use semver::Version;

use crate::Failed;

pub(crate) const PORT: u16 = 8080;

/// The three versions on the engine.
#[derive(Debug)]
pub(crate) struct Images {
    engine: DockerImages,
    /// v1, v2 and v3, by content.
    pub(crate) digests: [Digest; 3],
}

impl Images {
    /// Bakes and loads them. The same program gives the same digests, so a run that goes on finds them loaded.
    pub(crate) async fn bake(socket: &Path, web: &WebBinary, scratch: &Path) -> Result<Self, Failed> {
        let root = scratch.join("image");
        fs::create_dir_all(&root)?;
        let program = root.join("web");
        fs::copy(web.path(), &program)?;
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;

        let engine = DockerImages::connect(socket)?;
        let name = ImageName::new("immutable-example-web")?;
        let mut digests = Vec::new();
        for (number, mode) in [(1, "ok"), (2, "ok"), (3, "unhealthy")] {
            let version = format!("v{number}");
            let archive = ArchiveRecipe::from_folder(&root, ["/web"])
                .env("VERSION", &version)
                .env("MODE", mode)
                .env("PORT", PORT.to_string())
                .exposed_port(PORT)
                .user("65534:65534")
                // An image of this example only, which it may remove.
                .label("immutable.example", "docker_rolling")
                .build()?;
            let image = engine.load(&archive, &name, &Version::new(number, 0, 0)).await?;
            println!("baked {version}: {}", image.digest.short());
            digests.push(image.digest);
        }
        let digests = <[Digest; 3]>::try_from(digests).map_err(|_| "three versions were baked")?;
        Ok(Self { engine, digests })
    }

    /// Removes them from the engine.
    pub(crate) async fn remove(&self) -> Result<(), Failed> {
        for digest in &self.digests {
            self.engine.remove(digest).await?;
        }
        Ok(())
    }
}
