use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::LabError;

/// How often a wait looks again.
const POLL: Duration = Duration::from_millis(10);

/// How much of a log goes into an error.
const LOG_TAIL_LINES: usize = 20;

/// Runs a program that is expected to succeed and returns its standard output.
pub(crate) fn run_to_success(program: &str, args: &[&str]) -> Result<String, LabError> {
    let command = || format!("{program} {}", args.join(" "));
    let output = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .output()
        .map_err(LabError::io(format!("running `{}`", command())))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    Err(LabError::Command { command: command(), output: format!("{}: {}", output.status, stderr.trim()) })
}

/// Looks every few milliseconds until `condition` holds; false when `within` has passed first.
pub(crate) fn wait_until(within: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + within;
    loop {
        if condition() {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        thread::sleep(POLL);
    }
}

/// A daemon of the lab: its output goes to a log file, it is signalled by process id and killed on drop.
#[derive(Debug)]
pub(crate) struct Daemon {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Daemon {
    /// Starts `command` in a process group of its own, so that a Ctrl-C in the terminal reaches the test runner
    /// and not the daemon, whose end the lab decides.
    pub(crate) fn spawn(name: &'static str, command: &mut Command, log: &Path) -> Result<Self, LabError> {
        let failed = || format!("starting {name}");
        let output = File::options().create(true).append(true).open(log).map_err(LabError::io(failed()))?;
        let errors = output.try_clone().map_err(LabError::io(failed()))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .process_group(0)
            .spawn()
            .map_err(LabError::io(failed()))?;
        Ok(Self { name, child, log: log.to_owned() })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends a signal. That the process is gone already is no error.
    pub(crate) fn signal(&mut self, signal: Signal) {
        // `try_wait` first: an ended child that was reaped may have lent its id to somebody else.
        if self.is_running()
            && let Ok(raw) = i32::try_from(self.child.id())
            && let Some(pid) = Pid::from_raw(raw)
        {
            let _ = kill_process(pid, signal);
        }
    }

    /// SIGKILL, and waits for the end.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// SIGTERM, and SIGKILL when that does not help `within` the time given.
    pub(crate) fn terminate(&mut self, within: Duration) -> Result<(), LabError> {
        self.signal(Signal::TERM);
        if wait_until(within, || !self.is_running()) {
            return Ok(());
        }
        self.kill();
        Err(LabError::StillRunning { process: self.name.to_owned(), within })
    }

    /// Waits until `ready` holds, and explains with the log when it does not come to that.
    pub(crate) fn wait_ready(
        &mut self,
        within: Duration,
        mut ready: impl FnMut() -> bool,
    ) -> Result<(), LabError> {
        let deadline = Instant::now() + within;
        loop {
            if ready() {
                return Ok(());
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(self.not_ready(format!("ended ({status}) before it was ready")));
            }
            if Instant::now() >= deadline {
                return Err(self.not_ready(format!("was not ready within {within:?}")));
            }
            thread::sleep(POLL);
        }
    }

    fn not_ready(&self, problem: String) -> LabError {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let tail = lines.get(lines.len().saturating_sub(LOG_TAIL_LINES)..).unwrap_or_default();
        LabError::NotReady { process: self.name.to_owned(), problem, log: tail.join("\n") }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.kill();
    }
}
