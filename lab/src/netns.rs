use std::fs::File;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::LabError;
use crate::process::run_to_success;

/// Where `ip netns` keeps its handles.
const NETNS_FOLDER: &str = "/run/netns";

/// A network namespace with its loopback up, deleted on drop.
///
/// The engine lives in one so that its firewall rules, its bridge and its containers' addresses exist nowhere
/// else, and no test traffic can leave the machine.
#[derive(Debug)]
pub struct Netns {
    name: String,
    path: PathBuf,
    deleted: bool,
}

impl Netns {
    /// Makes the namespace `name` and brings its loopback up. Needs root.
    ///
    /// # Errors
    ///
    /// When `ip` is missing, the name is taken or the process may not make namespaces.
    pub fn create(name: &str) -> Result<Self, LabError> {
        run_to_success("ip", &["netns", "add", name])?;
        // From here on the drop deletes it, also when the next command fails.
        let netns = Self { name: name.to_owned(), path: Path::new(NETNS_FOLDER).join(name), deleted: false };
        run_to_success("ip", &["-n", name, "link", "set", "lo", "up"])?;
        Ok(netns)
    }

    /// The name, as `ip netns` shows it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The handle, for `nsenter --net=<path>`.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Moves the calling thread, and only it, into the namespace at `path`.
    ///
    /// Sockets opened and processes started by this thread from now on belong there. There is no way back: use a
    /// thread made for it, or [`Netns::run_in`].
    ///
    /// # Errors
    ///
    /// When the handle cannot be opened or the process may not change namespaces.
    pub fn enter(path: &Path) -> Result<(), LabError> {
        let failed = || format!("entering the network namespace {}", path.display());
        let handle = File::open(path).map_err(LabError::io(failed()))?;
        move_into_link_name_space(handle.as_fd(), Some(LinkNameSpaceType::Network))
            .map_err(|errno| LabError::io(failed())(errno.into()))
    }

    /// Runs `work` on a thread of its own inside the namespace at `path` and returns its result.
    ///
    /// # Errors
    ///
    /// When the namespace cannot be entered. A panic of `work` goes on in the caller.
    pub fn run_in<T: Send>(path: &Path, work: impl FnOnce() -> T + Send) -> Result<T, LabError> {
        thread::scope(|scope| {
            let inside = scope.spawn(|| {
                Self::enter(path)?;
                Ok(work())
            });
            inside.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Sends `signal` to every process that is inside, and says how many there were.
    pub(crate) fn signal_all(&self, signal: Signal) -> Result<usize, LabError> {
        let listed = run_to_success("ip", &["netns", "pids", &self.name])?;
        let pids: Vec<Pid> =
            listed.lines().filter_map(|line| line.trim().parse().ok()).filter_map(Pid::from_raw).collect();
        for pid in &pids {
            // It may have ended since it was listed, which is what is wanted.
            let _ = kill_process(*pid, signal);
        }
        Ok(pids.len())
    }

    /// Deletes the namespace. Processes that are still inside keep it alive without a name.
    ///
    /// # Errors
    ///
    /// When `ip` fails.
    pub fn delete(mut self) -> Result<(), LabError> {
        self.delete_once()
    }

    fn delete_once(&mut self) -> Result<(), LabError> {
        if self.deleted {
            return Ok(());
        }
        self.deleted = true;
        run_to_success("ip", &["netns", "del", &self.name]).map(drop)
    }
}

impl Drop for Netns {
    fn drop(&mut self) {
        // A drop can report nothing; `delete` is there for those who want to know.
        let _ = self.delete_once();
    }
}
