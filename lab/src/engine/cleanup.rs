use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::mount::{UnmountFlags, unmount};
use rustix::process::Signal;

use crate::process::wait_until;
use crate::{LabError, Netns};

/// Processes get this long after SIGTERM before they are killed.
const END_WITHIN: Duration = Duration::from_secs(2);

/// Removes the process id file of a containerd that has died with its daemon.
///
/// A new daemon takes any process that has this id for a living containerd, also one that has ended and that nobody
/// has reaped yet, and then waits for it in vain.
pub(super) fn forget_ended_containerd(dir: &Path) {
    let file = dir.join("exec/containerd/containerd.pid");
    let Ok(pid) = fs::read_to_string(&file) else {
        return;
    };
    // The kernel kills it together with a killed daemon, but not before the daemon's parent hears of it.
    if wait_until(END_WITHIN, || has_ended(pid.trim())) {
        let _ = fs::remove_file(file);
    }
}

fn has_ended(pid: &str) -> bool {
    // `<pid> (<name>) <state> ...`, where the name may hold anything.
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .map_or(true, |stat| stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z')))
}

/// Ends whatever is left in a namespace of our own: shims, proxies, test programs whose runner was killed.
pub(super) fn end_processes(netns: &Netns) -> Result<(), LabError> {
    if netns.signal_all(Signal::TERM)? == 0 {
        return Ok(());
    }
    // Signal zero would do, but a second SIGTERM is as harmless and also meets what was forked meanwhile.
    if wait_until(END_WITHIN, || netns.signal_all(Signal::TERM).is_ok_and(|left| left == 0)) {
        return Ok(());
    }
    if wait_until(END_WITHIN, || netns.signal_all(Signal::KILL).is_ok_and(|left| left == 0)) {
        return Ok(());
    }
    Err(LabError::StillRunning {
        process: format!("a process in the network namespace {}", netns.name()),
        within: END_WITHIN * 2,
    })
}

/// Kills the processes of containers that outlived their daemon: one that was killed in the middle of a start forgets
/// what it had begun. They are in network namespaces of their own and known by their root file system, which lies
/// beneath `dir`.
pub(super) fn end_containers(dir: &Path) -> Result<(), LabError> {
    let ended = wait_until(END_WITHIN, || {
        let left = contained_in(dir);
        for pid in &left {
            // One that has ended meanwhile is no error.
            let _ = rustix::process::kill_process(*pid, Signal::KILL);
        }
        left.is_empty()
    });
    if ended {
        return Ok(());
    }
    Err(LabError::StillRunning {
        process: format!("a container of the engine in {}", dir.display()),
        within: END_WITHIN,
    })
}

/// Whether the root file system in this mount table is made from beneath a folder, written with a closing slash.
fn root_is_from(table: &str, folder: &str) -> bool {
    table.lines().any(|line| line.split(' ').nth(4) == Some("/") && line.contains(folder))
}

/// Processes in a mount namespace of their own whose root file system is, or will be, from beneath `dir`.
fn contained_in(dir: &Path) -> Vec<rustix::process::Pid> {
    let own = fs::read_link("/proc/self/ns/mnt").ok();
    let inside = format!("{}/", dir.display());
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter(|entry| {
            let namespace = fs::read_link(entry.path().join("ns/mnt")).ok();
            namespace.is_some() && namespace != own
        })
        .filter(|entry| {
            let process = entry.path();
            // Made from our folder, or being made: such a one still sees all mounts of the machine, also those of
            // other engines, but carries the folder of its own in its environment.
            fs::read_to_string(process.join("mountinfo")).is_ok_and(|table| root_is_from(&table, &inside))
                || fs::read(process.join("environ")).is_ok_and(|environ| {
                    String::from_utf8_lossy(&environ).contains(&format!("_LIBCONTAINER_STATEDIR={inside}"))
                })
        })
        .filter_map(|entry| rustix::process::Pid::from_raw(entry.file_name().to_str()?.parse().ok()?))
        .collect()
}

/// Unmounts everything beneath `dir`: the overlays, shared memory and namespace handles of containers.
pub(super) fn unmount_beneath(dir: &Path) -> Result<(), LabError> {
    let table =
        fs::read_to_string("/proc/self/mountinfo").map_err(LabError::io("reading the mount table"))?;
    let mut result = Ok(());
    // The latest mounts come last and may lie beneath earlier ones.
    for point in mount_points(&table).filter(|point| point.starts_with(dir)).collect::<Vec<_>>().iter().rev()
    {
        if let Err(errno) = unmount(point, UnmountFlags::DETACH) {
            let failed = LabError::io(format!("unmounting {}", point.display()))(errno.into());
            result = result.and(Err(failed));
        }
    }
    result
}

/// Removes the folder; tries again while the kernel still finishes lazy unmounts.
pub(super) fn remove_folder(dir: &Path) -> Result<(), LabError> {
    let mut last = Ok(());
    let removed = wait_until(END_WITHIN, || {
        last = fs::remove_dir_all(dir);
        last.is_ok()
    });
    if removed { Ok(()) } else { last.map_err(LabError::io(format!("removing {}", dir.display()))) }
}

fn mount_points(table: &str) -> impl Iterator<Item = PathBuf> {
    table.lines().filter_map(|line| line.split(' ').nth(4)).map(|point| PathBuf::from(unescaped(point)))
}

/// The kernel writes space, tab, newline and backslash as three octal digits.
fn unescaped(point: &str) -> String {
    point.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_root_tells_whose_container_it_is() {
        let made = "131 94 0:56 / / rw - overlay overlay rw,lowerdir=/x/imm-1-0/data/overlay2/l/A\n";
        let being_made = "94 1 254:0 / / rw - ext4 /dev/vda rw\n\
                          131 94 0:56 / /x/imm-1-0/data/overlay2/B/merged rw - overlay overlay rw,lowerdir=/x/imm-1-0/data\n";
        assert!(root_is_from(made, "/x/imm-1-0/") && !root_is_from(made, "/x/imm-1-1/"));
        assert!(!root_is_from(being_made, "/x/imm-1-0/"), "it may belong to any engine");
    }

    #[test]
    fn the_mount_point_is_the_fifth_field() {
        let table = "22 1 0:20 / /run\\040here/x rw - tmpfs tmpfs rw\n23 1 0:4 / /sys rw - sysfs sysfs rw\n";
        let points: Vec<_> = mount_points(table).collect();
        assert_eq!(points, [PathBuf::from("/run here/x"), PathBuf::from("/sys")]);
    }
}
