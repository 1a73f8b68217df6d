use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::{LabError, Netns};

/// A shell script, because it must outlive this process, also when that is killed.
const SCRIPT: &str = include_str!("watchdog.sh");

/// Removes the engine when this process dies without having done so: a test run that is interrupted or killed runs
/// no drop.
#[derive(Debug)]
pub(super) struct Watchdog {
    child: Child,
}

impl Watchdog {
    pub(super) fn start(netns: &Netns, dir: &Path) -> Result<Self, LabError> {
        let mut option = std::ffi::OsString::from("--net=");
        option.push(netns.path());
        let child = Command::new("nsenter")
            .args([&option, OsStr::new("sh"), OsStr::new("-c"), OsStr::new(SCRIPT), OsStr::new("watchdog")])
            .arg(netns.name())
            .arg(dir)
            // The write end closes with this process; children do not inherit it.
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(LabError::io("starting the engine's watchdog"))?;
        Ok(Self { child })
    }

    /// Sends it home: the engine is being removed in order.
    pub(super) fn stand_down(mut self) {
        if let Some(mut stdin) = self.child.stdin.take() {
            // When it is gone already there is nobody to tell.
            let _ = stdin.write_all(b"done\n");
        }
        let _ = self.child.wait();
    }
}
