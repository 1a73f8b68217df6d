use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Why the lab could not do what a test asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabError {
    /// The test was started without an engine.
    ///
    /// An error and not a reason to skip: a skipped test proves nothing and looks green.
    #[error(
        "{variable} is not set: this test needs the private Docker engine of the lab. \
         Run it through `cargo xtask test --only docker`, or `cargo xtask engine -- cargo test ...`"
    )]
    NoEngine {
        /// The environment variable that names the engine's socket.
        variable: &'static str,
    },

    /// An operation of the system failed.
    #[error("{what}")]
    Io {
        /// What was being done, and to which path.
        what: String,
        /// The system's error.
        #[source]
        source: io::Error,
    },

    /// A helper program could not be run to success.
    #[error("`{command}` failed: {output}")]
    Command {
        /// The command line.
        command: String,
        /// Its exit status and what it wrote to standard error.
        output: String,
    },

    /// A process of the lab ended or stayed silent when it should have become ready.
    #[error("{process} {problem}; the end of its log:\n{log}")]
    NotReady {
        /// Which process.
        process: String,
        /// What was expected and did not come.
        problem: String,
        /// The last lines it logged.
        log: String,
    },

    /// A process did not end in time after it was told to.
    #[error("{process} did not end within {within:?}")]
    StillRunning {
        /// Which process.
        process: String,
        /// How long the lab waited.
        within: Duration,
    },

    /// The Docker engine refused a request.
    #[error("{request}: status {status}: {body}")]
    Api {
        /// Method and path.
        request: String,
        /// The HTTP status.
        status: u16,
        /// The body of the answer.
        body: String,
    },

    /// A peer answered something that is not the protocol expected of it.
    #[error("{from} answered out of protocol: {answer}")]
    Protocol {
        /// Who answered.
        from: String,
        /// What it said.
        answer: String,
    },

    /// A Unix socket's path would exceed what the kernel accepts (108 bytes).
    #[error("{} is too long for a Unix socket; choose a shorter work folder", .path.display())]
    SocketPathTooLong {
        /// The path.
        path: PathBuf,
    },

    /// Load is only ever sent to this machine.
    #[error("{addr} is not a loopback address; the load generator never sends anywhere else")]
    NotLoopback {
        /// The address refused.
        addr: SocketAddr,
    },
}

impl LabError {
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}
