use std::ffi::OsString;
use std::process::ExitCode;

use crate::command_line::CommandLine;
use crate::error::XtaskError;
use crate::interrupt::Interrupt;
use crate::workspace::{Workspace, cargo};
use crate::{engine, setup};

/// The program that measures; it knows its own options.
const BINARY: &str = "docker_rollouts";

/// `cargo xtask bench-docker`: builds the benchmark and runs it beside a private engine.
pub(crate) fn run(
    workspace: &Workspace,
    interrupt: &Interrupt,
    options: Vec<OsString>,
) -> Result<ExitCode, XtaskError> {
    let binary = build(workspace, interrupt)?;
    if options.iter().any(|option| option == "--help" || option == "-h") {
        CommandLine::new(binary).args(options).interactive().run(interrupt)?;
        return Ok(ExitCode::SUCCESS);
    }
    setup::ensure_bench(interrupt)?;
    let command: Vec<OsString> = std::iter::once(binary).chain(options).collect();
    engine::run(interrupt, &command)
}

fn build(workspace: &Workspace, interrupt: &Interrupt) -> Result<OsString, XtaskError> {
    let build = CommandLine::new(cargo())
        .args(["build", "--quiet", "--release", "--package", "immutable-benches", "--bin", BINARY])
        .folder(workspace.root());
    // Cargo shows its progress and waits for locks; only then is it asked what it built.
    build.run(interrupt)?;
    let messages = build.args(["--message-format", "json"]).output()?;
    executable(&messages).ok_or_else(|| XtaskError::Unexpected {
        from: "cargo build",
        what: format!("no executable {BINARY} among its messages"),
    })
}

/// The file that Cargo says it built.
fn executable(messages: &str) -> Option<OsString> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["target"]["name"] == BINARY)
        .find_map(|message| message["executable"].as_str().map(OsString::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_says_where_the_program_is() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"serde"},"executable":null}
{"reason":"compiler-artifact","target":{"name":"docker_rollouts"},"executable":"/t/docker_rollouts"}
{"reason":"build-finished","success":true}"#;
        assert_eq!(executable(messages), Some("/t/docker_rollouts".into()));
        assert_eq!(executable("error: no"), None);
    }
}
