use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use immutable_lab::{DockerApi, ENGINE_SOCKET_VAR, Engine, WEB_BINARY_VAR, WebBinary};

use crate::command_line::CommandLine;
use crate::error::XtaskError;
use crate::interrupt::Interrupt;
use crate::setup;

/// Names an engine to use instead of a private one.
const HOST_VAR: &str = "IMMUTABLE_DOCKER_HOST";

/// `cargo xtask engine -- <command>`: the command's exit code is ours.
pub(crate) fn run(interrupt: &Interrupt, command: &[OsString]) -> Result<ExitCode, XtaskError> {
    let [program, args @ ..] = command else {
        return Ok(ExitCode::SUCCESS);
    };
    let session = EngineSession::start(interrupt)?;
    let status = session.inside(CommandLine::new(program).args(args).interactive()).status(interrupt);
    session.stop()?;
    let status = status?;
    // A shell's way to tell of a command that died of a signal.
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}

/// A Docker engine for the time of some commands: a private one, or the one that `IMMUTABLE_DOCKER_HOST` names.
///
/// Dropping it stops a private engine and removes all it made.
#[derive(Debug)]
pub(crate) struct EngineSession {
    engine: Option<Engine>,
    socket: PathBuf,
    web: WebBinary,
}

impl EngineSession {
    /// Installs what is missing, builds the test web server, and starts the engine.
    pub(crate) fn start(interrupt: &Interrupt) -> Result<Self, XtaskError> {
        setup::ensure(interrupt)?;
        let web = WebBinary::locate()?;
        if let Some(host) = env::var_os(HOST_VAR) {
            let socket = socket_of(&host)?;
            DockerApi::new(&socket).ping()?;
            println!("using the Docker engine at {}", socket.display());
            return Ok(Self { engine: None, socket, web });
        }
        let engine = Engine::start(&env::temp_dir())?;
        let socket = engine.socket().to_owned();
        println!("started a private Docker engine at {}", socket.display());
        Ok(Self { engine: Some(engine), socket, web })
    }

    /// The command in the engine's network namespace, with the engine in its environment.
    pub(crate) fn inside(&self, command: CommandLine) -> CommandLine {
        let mut host = OsString::from("unix://");
        host.push(&self.socket);
        let command = command
            .env(ENGINE_SOCKET_VAR, &self.socket)
            .env(WEB_BINARY_VAR, self.web.path())
            .env("DOCKER_HOST", host);
        let Some(engine) = &self.engine else {
            return command;
        };
        let mut netns = OsString::from("--net=");
        netns.push(engine.netns());
        // The namespace has no way out, so Cargo must not look for one.
        command.env("CARGO_NET_OFFLINE", "true").behind("nsenter", [netns])
    }

    pub(crate) fn stop(self) -> Result<(), XtaskError> {
        if let Some(engine) = self.engine {
            engine.stop()?;
            println!("stopped the private Docker engine");
        }
        Ok(())
    }
}

fn socket_of(host: &OsStr) -> Result<PathBuf, XtaskError> {
    let invalid = || XtaskError::DockerHost(host.to_string_lossy().into_owned());
    let text = host.to_str().ok_or_else(invalid)?;
    let path = Path::new(text.strip_prefix("unix://").unwrap_or(text));
    if path.is_absolute() { Ok(path.to_owned()) } else { Err(invalid()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_unix_socket() {
        let socket = Path::new("/run/docker.sock");
        assert_eq!(socket_of(OsStr::new("unix:///run/docker.sock")).unwrap(), socket);
        assert_eq!(socket_of(OsStr::new("/run/docker.sock")).unwrap(), socket);
        assert!(socket_of(OsStr::new("tcp://127.0.0.1:2375")).is_err());
    }
}
