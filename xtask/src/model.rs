use std::process::ExitCode;

use crate::command_line::CommandLine;
use crate::error::XtaskError;
use crate::interrupt::Interrupt;
use crate::workspace::{Workspace, cargo};

/// `cargo xtask model`: visits ten million worlds of the journal protocol; minutes, and some gigabytes of memory.
///
/// The test command visits fewer of the same model.
pub(crate) fn run(workspace: &Workspace, interrupt: &Interrupt) -> Result<ExitCode, XtaskError> {
    CommandLine::new(cargo())
        .args(["test", "--package", "immutable-core", "--all-features", "--test", "model"])
        .args(["--", "--ignored", "--nocapture"])
        .folder(workspace.root())
        .interactive()
        .run(interrupt)?;
    Ok(ExitCode::SUCCESS)
}
