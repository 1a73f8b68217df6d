use std::path::{Path, PathBuf};

use clap::Parser;

use crate::Failed;

/// The usual socket of an engine on this machine.
const DEFAULT_SOCKET: &str = "/var/run/docker.sock";

/// Rolls a web server out on a Docker engine, under load: v1, then v2, then a v3 that never gets healthy.
///
/// Nothing is pulled: the images are baked here. Everything that was started is removed in the end, also after Ctrl-C.
/// Needs Linux, `haproxy` and an engine whose container addresses this machine can reach (not Docker Desktop's).
#[derive(Debug, Parser)]
#[command(name = "docker_rolling", after_help = AFTER_HELP)]
pub(crate) struct Cli {
    /// Start a Docker engine for this run only, in a network namespace of its own (as root)
    #[arg(long, conflicts_with = "resume")]
    pub(crate) private_engine: bool,
    /// How many containers there shall be
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) containers: u32,
    /// Requests per second meanwhile
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=2000))]
    pub(crate) rate: u32,
    /// Keep the journals in this folder, and leave them there [default: a temporary one]
    #[arg(long, value_name = "DIR")]
    pub(crate) journal: Option<PathBuf>,
    /// Go on with the run in that folder, which was killed
    #[arg(long, requires = "journal")]
    pub(crate) resume: bool,
}

const AFTER_HELP: &str = "\
Ways to run it:
  On the engine that DOCKER_HOST names, or the one at /var/run/docker.sock:
      cargo run --release -p immutable-examples --bin docker_rolling
  Without one, as root, with Debian's docker.io, iptables, iproute2 and haproxy (`cargo xtask setup` installs them):
      cargo run --release -p immutable-examples --bin docker_rolling -- --private-engine
  Kill it and go on; the engine must outlive it, so a private one belongs to a shell around both:
      cargo xtask engine -- bash
      cargo run --release -p immutable-examples --bin docker_rolling -- --journal /tmp/run1     (kill -9 it)
      cargo run --release -p immutable-examples --bin docker_rolling -- --journal /tmp/run1 --resume";

/// The socket that `DOCKER_HOST` names, or the usual one.
pub(crate) fn engine_socket() -> Result<PathBuf, Failed> {
    let host = std::env::var("DOCKER_HOST").unwrap_or_default();
    if !host.is_empty() {
        let path = host.strip_prefix("unix://").ok_or("DOCKER_HOST must be unix:///path/to/docker.sock")?;
        return Ok(path.into());
    }
    if Path::new(DEFAULT_SOCKET).exists() {
        return Ok(DEFAULT_SOCKET.into());
    }
    let no_engine = "no Docker engine: DOCKER_HOST is not set and /var/run/docker.sock is not there; as root, \
                     `--private-engine` starts one for this run (see --help)";
    Err(no_engine.into())
}
