use std::ffi::OsString;

use crate::command_line::CommandLine;
use crate::error::XtaskError;
use crate::interrupt::Interrupt;
use crate::workspace::{Workspace, cargo};

/// Builds a program of the benches and says where it is.
pub(crate) fn build(
    workspace: &Workspace,
    interrupt: &Interrupt,
    name: &'static str,
) -> Result<OsString, XtaskError> {
    let build = CommandLine::new(cargo())
        .args(["build", "--quiet", "--release", "--package", "immutable-benches", "--bin", name])
        .folder(workspace.root());
    // Cargo shows its progress and waits for locks; only then is it asked what it built.
    build.run(interrupt)?;
    let messages = build.args(["--message-format", "json"]).output()?;
    executable(&messages, name).ok_or_else(|| XtaskError::Unexpected {
        from: "cargo build",
        what: format!("no executable {name} among its messages"),
    })
}

/// The file that Cargo says it built.
pub(crate) fn executable(messages: &str, name: &str) -> Option<OsString> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["target"]["name"] == name)
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
        assert_eq!(executable(messages, "docker_rollouts"), Some("/t/docker_rollouts".into()));
        assert_eq!(executable("error: no", "docker_rollouts"), None);
    }
}
