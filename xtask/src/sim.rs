use std::ffi::OsString;
use std::process::ExitCode;

use crate::command_line::CommandLine;
use crate::error::XtaskError;
use crate::interrupt::Interrupt;
use crate::workspace::{Workspace, cargo};

/// `cargo xtask sim`: builds the simulator of whole rollouts and runs it; it knows its own options.
pub(crate) fn run(
    workspace: &Workspace,
    interrupt: &Interrupt,
    options: Vec<OsString>,
) -> Result<ExitCode, XtaskError> {
    CommandLine::new(cargo())
        .args([
            "run",
            "--quiet",
            "--release",
            "--package",
            "immutable-testkit",
            "--example",
            "simulate",
            "--",
        ])
        .args(options)
        .folder(workspace.root())
        .interactive()
        .run(interrupt)?;
    Ok(ExitCode::SUCCESS)
}
