use std::collections::BTreeMap;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use super::architecture::Architecture;
use super::archive::Archive;
use super::error::ArchiveError;
use super::health_check::HealthCheck;
use super::image_config::{HealthConfig, ImageConfig, Nothing, RunConfig, nanoseconds};
use super::layer::{self, Hashing};
use super::tree::{self, Entry, Kind};

/// What goes into an image: the files of one folder, which becomes the root of the container, and how it runs.
///
/// The image has one layer and no base image, so the programs in the folder must be static or bring their libraries.
/// All files belong to root and are as old as 1970; executable files and folders get mode 0755, other files 0644.
/// Symbolic links are kept as they are written. Extended attributes, hard links (each name becomes a file), setuid
/// bits and sparseness are not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveRecipe {
    folder: PathBuf,
    entrypoint: Vec<String>,
    cmd: Vec<String>,
    env: BTreeMap<String, String>,
    labels: BTreeMap<String, String>,
    ports: Vec<u16>,
    health_check: Option<HealthCheck>,
    user: Option<String>,
    working_dir: Option<String>,
    architecture: Option<Architecture>,
}

impl ArchiveRecipe {
    /// The files of this folder, and the program and arguments that containers run. The program is an absolute path
    /// in the container, for example `/web` for the file `web` of the folder.
    #[must_use]
    pub fn from_folder(
        folder: impl Into<PathBuf>,
        entrypoint: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        Self {
            folder: folder.into(),
            entrypoint: entrypoint.into_iter().map(Into::into).collect(),
            cmd: Vec::new(),
            env: BTreeMap::new(),
            labels: BTreeMap::new(),
            ports: Vec::new(),
            health_check: None,
            user: None,
            working_dir: None,
            architecture: None,
        }
    }

    /// Further arguments, which a container may replace.
    #[must_use]
    pub fn cmd(mut self, arguments: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.cmd = arguments.into_iter().map(Into::into).collect();
        self
    }

    /// Sets an environment variable. The order of calls does not matter.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    /// Sets a label. The order of calls does not matter.
    #[must_use]
    pub fn label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.insert(name.into(), value.into());
        self
    }

    /// Says that the program listens on this TCP port; publishes nothing.
    #[must_use]
    pub fn exposed_port(mut self, port: u16) -> Self {
        self.ports.push(port);
        self
    }

    /// How the engine finds out whether a container is healthy.
    #[must_use]
    pub fn health_check(mut self, check: HealthCheck) -> Self {
        self.health_check = Some(check);
        self
    }

    /// The user that the program runs as, for example `65534:65534`; root when it is not set. A name needs an
    /// `/etc/passwd` in the folder.
    #[must_use]
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// The absolute path in the container in which the program starts; `/` when it is not set.
    #[must_use]
    pub fn working_dir(mut self, path: impl Into<String>) -> Self {
        self.working_dir = Some(path.into());
        self
    }

    /// What the programs in the folder run on; when it is not set, what this program was built for.
    #[must_use]
    pub const fn architecture(mut self, architecture: Architecture) -> Self {
        self.architecture = Some(architecture);
        self
    }

    /// Reads every file once and computes the digests. Blocks; no file is held in memory, and none is written.
    ///
    /// # Errors
    /// [`ArchiveError`].
    pub fn build(&self) -> Result<Archive, ArchiveError> {
        let config = self.run_config()?;
        let architecture = self.architecture.or_else(Architecture::of_this_program).ok_or_else(|| {
            invalid(format!("the architecture {} has no name here: set one", std::env::consts::ARCH))
        })?;
        let entries = tree::entries(&self.folder)?;
        self.check_program(&entries)?;
        let mut layer = Hashing::new(io::sink());
        layer::write(&self.folder, &entries, &mut layer)?;
        let (layer, size) = layer.finish();
        let config = ImageConfig::new(architecture.as_str(), &config, layer.to_string());
        let config = serde_json::to_vec(&config).map_err(|error| invalid(error.to_string()))?;
        Ok(Archive::new(self.folder.clone(), entries, config, layer, size))
    }

    fn run_config(&self) -> Result<RunConfig, ArchiveError> {
        for name in self.env.keys() {
            if name.is_empty() || name.contains(['=', '\0']) {
                return Err(invalid(format!("`{name}` cannot be the name of an environment variable")));
            }
        }
        if let Some(path) = self.working_dir.as_ref().filter(|path| !path.starts_with('/')) {
            return Err(invalid(format!("the working directory `{path}` is not an absolute path")));
        }
        Ok(RunConfig {
            cmd: self.cmd.clone(),
            entrypoint: self.entrypoint.clone(),
            env: self.env.iter().map(|(name, value)| format!("{name}={value}")).collect(),
            exposed_ports: self.ports.iter().map(|port| (format!("{port}/tcp"), Nothing {})).collect(),
            healthcheck: self.health_check.as_ref().map(health_config).transpose()?,
            labels: self.labels.clone(),
            user: self.user.clone(),
            working_dir: self.working_dir.clone(),
        })
    }

    /// A program that is not there would be found out only when the first container does not start.
    fn check_program(&self, entries: &[Entry]) -> Result<(), ArchiveError> {
        let Some(program) = self.entrypoint.first() else {
            return Err(invalid("the entry point is empty: name the program to run".to_owned()));
        };
        let Ok(relative) = Path::new(program).strip_prefix("/") else {
            return Err(invalid(format!("the program `{program}` is not an absolute path in the container")));
        };
        let folder = self.folder.display();
        let kind_at = |path: &Path| entries.iter().find(|entry| entry.path == path).map(|entry| &entry.kind);
        let mut path = PathBuf::new();
        for component in relative.components() {
            let Component::Normal(name) = component else {
                return Err(invalid(format!("the program `{program}` is not a plain path: leave out `..`")));
            };
            path.push(name);
            // What a link leads to is known in the container only.
            if let Some(Kind::Link { .. }) = kind_at(&path) {
                return Ok(());
            }
        }
        match kind_at(relative) {
            Some(Kind::File { executable: true }) => Ok(()),
            Some(Kind::File { executable: false }) => {
                Err(invalid(format!("the program `{program}` of {folder} is not executable: chmod +x it")))
            }
            _ => Err(invalid(format!("the program `{program}` is not in {folder}"))),
        }
    }
}

fn health_config(check: &HealthCheck) -> Result<HealthConfig, ArchiveError> {
    let HealthCheck { command, interval, timeout, start_period, retries } = check;
    let least = Duration::from_millis(1);
    // The engine takes 0 as "not set" and refuses what is shorter.
    if command.is_empty() || *interval < least || *timeout < least || *retries == 0 {
        let rule = "needs a command, an interval and a timeout of at least 1 ms, and at least 1 retry";
        return Err(invalid(format!("the health check {rule}: {check:?}")));
    }
    Ok(HealthConfig {
        interval: nanoseconds(*interval),
        retries: *retries,
        start_period: nanoseconds(*start_period),
        test: std::iter::once("CMD".to_owned()).chain(command.iter().cloned()).collect(),
        timeout: nanoseconds(*timeout),
    })
}

const fn invalid(reason: String) -> ArchiveError {
    ArchiveError::Invalid { reason }
}
