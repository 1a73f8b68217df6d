use std::fs;
use std::process::Command;

use immutable_lab::{Haproxy, HaproxyOptions};

use crate::Failed;
use crate::run_folder::RunFolder;

pub(crate) const BACKEND: &str = "web";

/// Starts the proxy; for a run that goes on, a new one in the place of the one that was left behind. It knows no
/// server then, and the controller tells it all of them again.
pub(crate) fn start(folder: &RunFolder) -> Result<Haproxy, Failed> {
    let mut options = HaproxyOptions::new(BACKEND);
    if let Some((port, pid)) = folder.proxy_before()? {
        end(pid)?;
        options.port = Some(port);
    }
    let proxy = Haproxy::start(options)?;
    folder.note_proxy(proxy.port(), proxy.pid().ok_or("the proxy has ended")?)?;
    println!("HAProxy listens on {}", proxy.addr());
    Ok(proxy)
}

/// Ends the process if it still is a proxy of this example: process numbers are used again.
fn end(pid: u32) -> Result<(), Failed> {
    let command_line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let command_line = String::from_utf8_lossy(&command_line);
    let arguments: Vec<&str> = command_line.split('\0').collect();
    if let ["haproxy", "-db", "-f", config, ..] = arguments.as_slice() {
        Command::new("kill").arg("-KILL").arg(pid.to_string()).status()?;
        if let Some(left_behind) = std::path::Path::new(config).parent() {
            fs::remove_dir_all(left_behind)?;
        }
        println!("ended the HAProxy that was left behind");
    }
    Ok(())
}
