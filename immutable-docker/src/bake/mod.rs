//! Reproducible images: a folder and an entry point become an image archive that this library writes itself.
//!
//! [`ArchiveRecipe`] says what goes in, [`Archive`] is the result. No engine and no Dockerfile take part, so the
//! image's digest is known before it is loaded, and is the same on every machine and every engine: it does not depend
//! on file times, owners, the umask or the order in which the file system lists names. [`DockerImages`] loads archives
//! into an engine and checks that the engine came to the same digest.
//!
//! ```no_run
//! use immutable_core::ImageName;
//! use immutable_docker::bake::{ArchiveRecipe, DockerImages};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let archive = ArchiveRecipe::from_folder("dist", ["/web"]).env("PORT", "8080").exposed_port(8080).build()?;
//! println!("will be {}", archive.digest());
//! let images = DockerImages::connect("/var/run/docker.sock")?;
//! let image = images.load(&archive, &ImageName::new("web")?, &"1.4.0".parse()?).await?;
//! assert_eq!(image.digest, archive.digest());
//! # Ok(())
//! # }
//! ```
//!
//! # What the digest is
//! The SHA-256 of the image configuration, which names the layer by the SHA-256 of its uncompressed tar. Docker calls
//! it the image id. Engines that keep images in containerd use the digest of a manifest instead; they are refused.
//!
//! Sources: Docker Image Specification 1.2 (configuration, layers, whiteouts) and 1.1 (`manifest.json` of an archive);
//! checked against Docker 20.10.24.

mod architecture;
mod archive;
mod error;
mod health_check;
mod image_config;
mod images;
mod layer;
mod recipe;
mod tree;
mod upload;

pub use architecture::Architecture;
pub use archive::Archive;
pub use error::{ArchiveError, ImagesError};
pub use health_check::HealthCheck;
pub use images::DockerImages;
pub use recipe::ArchiveRecipe;
