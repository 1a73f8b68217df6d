use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::LabError;

/// The environment variable that names a static `lab-web`.
pub const WEB_BINARY_VAR: &str = "IMMUTABLE_LAB_WEB";

/// The static `lab-web` server that test images consist of.
#[derive(Debug, Clone)]
pub struct WebBinary {
    path: PathBuf,
}

impl WebBinary {
    /// The binary that `IMMUTABLE_LAB_WEB` names; without it, the one that [`WebBinary::build`] makes.
    ///
    /// # Errors
    ///
    /// When the variable names no file, or the build fails.
    pub fn locate() -> Result<Self, LabError> {
        let Some(path) = env::var_os(WEB_BINARY_VAR).map(PathBuf::from) else {
            return Self::build();
        };
        Self::existing(path)
    }

    /// Builds `lab-web` so that it runs from an empty image: a static binary, in a target folder of its own because
    /// the flag for it would make Cargo rebuild everything else.
    ///
    /// # Errors
    ///
    /// When Cargo fails.
    pub fn build() -> Result<Self, LabError> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or_else(|| Path::new("."));
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        // Cargo resolves a relative folder against where it was called, and tests run in their package's folder.
        let target = root.join(target).join("static");
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());

        let mut command = Command::new(cargo);
        command.current_dir(root).env("RUSTFLAGS", "-C target-feature=+crt-static -C strip=symbols");
        command.args(["build", "--quiet", "--release", "--package", "lab-web", "--target-dir"]).arg(&target);
        let output = command.output().map_err(LabError::io("running cargo to build lab-web"))?;
        if !output.status.success() {
            return Err(LabError::Command {
                command: "cargo build --release --package lab-web".to_owned(),
                output: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            });
        }
        Self::existing(target.join("release").join("lab-web"))
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file's content, for the layer of an image.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn read(&self) -> Result<Vec<u8>, LabError> {
        std::fs::read(&self.path).map_err(LabError::io(format!("reading {}", self.path.display())))
    }

    fn existing(path: PathBuf) -> Result<Self, LabError> {
        path.metadata().map_err(LabError::io(format!("the web server's binary {}", path.display())))?;
        Ok(Self { path })
    }
}
