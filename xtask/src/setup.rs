use std::env;
use std::fs;
use std::path::Path;

use rustix::process::geteuid;

use crate::command_line::CommandLine;
use crate::error::XtaskError;
use crate::interrupt::Interrupt;

/// A program that is run, and the Debian package that has it.
struct Need {
    program: &'static str,
    package: &'static str,
}

/// What the lab and the proofs run.
const NEEDS: &[Need] = &[
    Need { program: "dockerd", package: "docker.io" },
    Need { program: "iptables", package: "iptables" },
    Need { program: "haproxy", package: "haproxy" },
    Need { program: "ip", package: "iproute2" },
    Need { program: "nsenter", package: "util-linux" },
    Need { program: "z3", package: "z3" },
];

/// What only the benchmark runs: the peers' clients.
const BENCH_NEEDS: &[Need] = &[
    Need { program: "docker", package: "docker.io" },
    Need { program: "docker-compose", package: "docker-compose" },
    Need { program: "setpriv", package: "util-linux" },
];

/// What only counting instructions runs.
const COUNTING_NEEDS: &[Need] = &[Need { program: "valgrind", package: "valgrind" }];

/// `cargo xtask setup`: installs what is missing and says what was there.
pub(crate) fn run(interrupt: &Interrupt) -> Result<(), XtaskError> {
    for Need { program, package } in NEEDS {
        let state = if is_installed(program) { "is there" } else { "is missing" };
        println!("{program} (package {package}) {state}");
    }
    ensure(interrupt)
}

/// Installs what the checks miss, silently when nothing is.
pub(crate) fn ensure(interrupt: &Interrupt) -> Result<(), XtaskError> {
    install(NEEDS, interrupt)
}

/// Installs what the benchmark misses beside it.
pub(crate) fn ensure_bench(interrupt: &Interrupt) -> Result<(), XtaskError> {
    install(BENCH_NEEDS, interrupt)
}

/// Installs what counting instructions misses.
pub(crate) fn ensure_counting(interrupt: &Interrupt) -> Result<(), XtaskError> {
    install(COUNTING_NEEDS, interrupt)
}

fn install(needs: &[Need], interrupt: &Interrupt) -> Result<(), XtaskError> {
    let missing: Vec<&Need> = needs.iter().filter(|need| !is_installed(need.program)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let refused = |reason| XtaskError::MissingPrograms { missing: named(&missing), reason };
    if !is_debian() {
        return Err(refused("this is not a Debian system"));
    }
    if !geteuid().is_root() {
        return Err(refused("this is not root"));
    }
    let packages: Vec<&str> = missing.iter().map(|need| need.package).collect();
    println!("installing {}", packages.join(", "));
    // RUNLEVEL=1 keeps the packages from starting their daemons: the lab runs its own.
    let apt = CommandLine::new("apt-get").env("RUNLEVEL", "1").env("DEBIAN_FRONTEND", "noninteractive");
    let all = apt.clone().args(["install", "-y", "--no-install-recommends"]).args(packages);
    // A fresh image has no package lists; one that has them need not fetch them again.
    if all.run(interrupt).is_err() {
        apt.args(["update"]).run(interrupt)?;
        all.run(interrupt)?;
    }
    let still: Vec<&Need> = missing.into_iter().filter(|need| !is_installed(need.program)).collect();
    if still.is_empty() {
        return Ok(());
    }
    Err(XtaskError::MissingPrograms {
        missing: named(&still),
        reason: "the packages are installed but these programs are not in PATH",
    })
}

fn named(needs: &[&Need]) -> String {
    let name = |need: &&Need| format!("{} (Debian package {})", need.program, need.package);
    needs.iter().map(name).collect::<Vec<_>>().join(", ")
}

fn is_installed(program: &str) -> bool {
    env::var_os("PATH").is_some_and(|path| env::split_paths(&path).any(|dir| dir.join(program).is_file()))
}

fn is_debian() -> bool {
    Path::new("/usr/bin/apt-get").is_file()
        && fs::read_to_string("/etc/os-release").is_ok_and(|release| is_debian_release(&release))
}

fn is_debian_release(release: &str) -> bool {
    release
        .lines()
        .filter_map(|line| line.strip_prefix("ID=").or_else(|| line.strip_prefix("ID_LIKE=")))
        .any(|ids| ids.trim_matches('"').split(' ').any(|id| id == "debian"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debian_and_what_is_like_it() {
        assert!(is_debian_release("PRETTY_NAME=x\nID=debian\n"));
        assert!(is_debian_release("ID=ubuntu\nID_LIKE=\"debian other\"\n"));
        assert!(!is_debian_release("ID=fedora\nNAME=\"not debian\"\n"));
    }
}
