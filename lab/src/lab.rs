use std::env;
use std::path::{Path, PathBuf};

use crate::{DockerApi, Haproxy, HaproxyOptions, LabError, WebBinary};

/// The environment variable that names the engine's Unix socket.
pub const ENGINE_SOCKET_VAR: &str = "IMMUTABLE_LAB_SOCKET";

/// What a test of the Docker backend asks for.
///
/// `cargo xtask test` and `cargo xtask engine -- <command>` start an engine, put the test process into the engine's
/// network namespace and name the engine in the environment; [`Lab::connect`] finds it there. Container addresses and
/// 127.0.0.1 then are those of that namespace. The engine is shared by all tests of the run: take names from
/// [`unique_name`](crate::unique_name), and remove only what the test itself made.
#[derive(Debug, Clone)]
pub struct Lab {
    socket: PathBuf,
}

impl Lab {
    /// Connects to the engine of this run.
    ///
    /// # Errors
    ///
    /// When the test was not started through `cargo xtask`, or the engine does not answer. Unwrap it: a test without
    /// its engine must fail, not skip.
    pub fn connect() -> Result<Self, LabError> {
        let socket =
            env::var_os(ENGINE_SOCKET_VAR).ok_or(LabError::NoEngine { variable: ENGINE_SOCKET_VAR })?;
        let lab = Self { socket: socket.into() };
        lab.api().ping()?;
        Ok(lab)
    }

    /// The engine's Unix socket.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// A client of the engine that is not the code under test.
    #[must_use]
    pub fn api(&self) -> DockerApi {
        DockerApi::new(&self.socket)
    }

    /// The static web server.
    ///
    /// # Errors
    ///
    /// As [`WebBinary::locate`].
    pub fn web_binary(&self) -> Result<WebBinary, LabError> {
        WebBinary::locate()
    }

    /// Starts an HAProxy of the test's own on a free port, with an empty backend of that name.
    ///
    /// # Errors
    ///
    /// As [`Haproxy::start`].
    pub fn haproxy(&self, backend: &str) -> Result<Haproxy, LabError> {
        Haproxy::start(HaproxyOptions::new(backend))
    }
}
