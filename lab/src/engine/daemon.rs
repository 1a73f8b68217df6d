use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::cleanup;
use super::options::{EngineOptions, Shutdown};
use super::watchdog::Watchdog;
use crate::process::Daemon;
use crate::{DockerApi, LabError, Netns, unique_name};

/// `dockerd` answers after 0.3 s on an idle machine; the rest is for loaded ones.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// A graceful stop of the daemon waits for its containers, 10 s at most each.
const STOP_WITHIN: Duration = Duration::from_secs(30);

/// The kernel's limit for a Unix socket's path, without the closing zero.
const SOCKET_PATH_LIMIT: usize = 107;

/// A private `dockerd` in its own network namespace, with its own folder, socket and containerd.
///
/// Its firewall rules, bridges and container addresses exist only inside [`Engine::netns`]; a test that talks to
/// containers must run in there (`nsenter --net=<netns>`, [`Netns::run_in`], or `cargo xtask engine -- ...`).
/// Needs root and Debian's `docker.io`, `iptables` and `iproute2`.
///
/// Dropping the engine stops and removes everything; [`Engine::stop`] does the same and reports what failed. When the
/// process dies without either, even by SIGKILL, a watchdog script does it.
#[derive(Debug)]
pub struct Engine {
    dir: PathBuf,
    netns: Option<Netns>,
    netns_path: PathBuf,
    daemon: Option<Daemon>,
    watchdog: Option<Watchdog>,
    options: EngineOptions,
    socket: PathBuf,
}

impl Engine {
    /// Starts an engine in a new folder beneath `work_dir` and waits until it answers.
    ///
    /// # Errors
    ///
    /// When a program is missing, the process is not root, or the daemon does not come up; the error carries the
    /// end of the daemon's log. Nothing is left behind.
    pub fn start(work_dir: &Path) -> Result<Self, LabError> {
        Self::start_with(work_dir, EngineOptions::default())
    }

    /// [`Engine::start`] with options.
    ///
    /// # Errors
    ///
    /// As [`Engine::start`].
    pub fn start_with(work_dir: &Path, options: EngineOptions) -> Result<Self, LabError> {
        let name = unique_name("imm");
        let work_dir = work_dir
            .canonicalize()
            .map_err(LabError::io(format!("the work folder {} of the engine", work_dir.display())))?;
        let dir = work_dir.join(&name);
        let socket = dir.join("docker.sock");
        // The longest socket below the folder is containerd's.
        let longest = dir.join("exec/containerd/containerd-debug.sock");
        if longest.as_os_str().len() > SOCKET_PATH_LIMIT {
            return Err(LabError::SocketPathTooLong { path: longest });
        }
        fs::create_dir(&dir).map_err(LabError::io(format!("making {}", dir.display())))?;
        let netns = match Netns::create(&name) {
            Ok(netns) => netns,
            Err(error) => {
                let _ = fs::remove_dir(&dir);
                return Err(error);
            }
        };
        let netns_path = netns.path().to_owned();
        // From here on the drop removes what there is.
        let watchdog = Watchdog::start(&netns, &dir);
        let mut engine =
            Self { dir, netns: Some(netns), netns_path, daemon: None, watchdog: None, options, socket };
        engine.watchdog = Some(watchdog?);
        engine.up()?;
        Ok(engine)
    }

    /// The engine's Unix socket.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// The handle of the engine's network namespace, for `nsenter --net=<path>`.
    #[must_use]
    pub fn netns(&self) -> &Path {
        &self.netns_path
    }

    /// The process id of `dockerd`, while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.daemon.as_ref().map(Daemon::pid)
    }

    /// A client of this engine.
    #[must_use]
    pub fn api(&self) -> DockerApi {
        DockerApi::new(&self.socket)
    }

    /// Takes the daemon down and leaves it down; the folders stay. Calls fail until [`Engine::up`].
    ///
    /// # Errors
    ///
    /// When a graceful end does not come in time; the daemon is killed then.
    pub fn down(&mut self, how: Shutdown) -> Result<(), LabError> {
        let Some(mut daemon) = self.daemon.take() else {
            return Ok(());
        };
        match how {
            Shutdown::Graceful => daemon.terminate(STOP_WITHIN),
            Shutdown::Kill => {
                daemon.kill();
                Ok(())
            }
        }
    }

    /// Starts the daemon on the same folders and waits until it answers. No effect while it runs.
    ///
    /// # Errors
    ///
    /// When it does not come up.
    pub fn up(&mut self) -> Result<(), LabError> {
        if self.daemon.as_mut().is_some_and(Daemon::is_running) {
            return Ok(());
        }
        // A killed daemon leaves its socket; without this the wait below could meet the old file.
        let _ = fs::remove_file(&self.socket);
        cleanup::forget_ended_containerd(&self.dir);
        let daemon = Daemon::spawn("dockerd", &mut self.command()?, &self.dir.join("dockerd.log"))?;
        let api = self.api();
        self.daemon.insert(daemon).wait_ready(READY_WITHIN, || api.ping().is_ok())
    }

    /// [`Engine::down`] and [`Engine::up`]: a restart of the daemon in the middle of whatever a test does.
    ///
    /// Containers end with the daemon unless the engine was started with
    /// [`live_restore`](EngineOptions::live_restore).
    ///
    /// # Errors
    ///
    /// As the two.
    pub fn restart(&mut self, how: Shutdown) -> Result<(), LabError> {
        self.down(how)?;
        self.up()
    }

    /// Stops and removes everything: containers, daemon, processes left in the namespace, mounts, folder.
    ///
    /// # Errors
    ///
    /// The first failure; the rest is done all the same.
    pub fn stop(mut self) -> Result<(), LabError> {
        self.remove_everything()
    }

    fn remove_everything(&mut self) -> Result<(), LabError> {
        let Some(netns) = self.netns.take() else {
            return Ok(());
        };
        // Only a daemon can end its containers in order; one that died is started once more for it.
        let containers = self.up().and_then(|()| self.api().remove_all_containers());
        let daemon = self.down(Shutdown::Graceful);
        if let Some(watchdog) = self.watchdog.take() {
            watchdog.stand_down();
        }
        let containers_left = cleanup::end_containers(&self.dir);
        let processes = cleanup::end_processes(&netns);
        let mounts = cleanup::unmount_beneath(&self.dir);
        let namespace = netns.delete();
        let folder = cleanup::remove_folder(&self.dir);
        containers.and(daemon).and(containers_left).and(processes).and(mounts).and(namespace).and(folder)
    }

    fn command(&self) -> Result<Command, LabError> {
        // An own configuration file and containerd namespace: nothing of the machine's own Docker, where there is
        // one, is read or shared.
        let config = self.dir.join("daemon.json");
        fs::write(&config, "{}").map_err(LabError::io(format!("writing {}", config.display())))?;
        let name = self.dir.file_name().unwrap_or_default();

        // `nsenter`, not `ip netns exec`: that one remounts /sys and hides the cgroups.
        let mut command = Command::new("nsenter");
        command.arg(joined("--net=", &self.netns_path));
        command.arg("dockerd");
        command.arg("--config-file").arg(&config);
        command.arg("--data-root").arg(self.dir.join("data"));
        command.arg("--exec-root").arg(self.dir.join("exec"));
        command.arg("--pidfile").arg(self.dir.join("pid"));
        command.arg("--containerd-namespace").arg(name);
        command.arg("--host").arg(joined("unix://", &self.socket));
        if self.options.live_restore {
            command.arg("--live-restore");
        }
        Ok(command)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // A drop can report nothing; `stop` is there for those who want to know.
        let _ = self.remove_everything();
    }
}

fn joined(prefix: &str, path: &Path) -> std::ffi::OsString {
    let mut argument = std::ffi::OsString::from(prefix);
    argument.push(path);
    argument
}
