use std::ffi::OsString;
use std::process::ExitCode;

use crate::command_line::CommandLine;
use crate::error::XtaskError;
use crate::interrupt::Interrupt;
use crate::workspace::Workspace;
use crate::{bench_program, engine, setup};

/// The program that measures; it knows its own options.
const BINARY: &str = "docker_rollouts";

/// `cargo xtask bench-docker`: builds the benchmark and runs it beside a private engine.
pub(crate) fn run(
    workspace: &Workspace,
    interrupt: &Interrupt,
    options: Vec<OsString>,
) -> Result<ExitCode, XtaskError> {
    let binary = bench_program::build(workspace, interrupt, BINARY)?;
    if options.iter().any(|option| option == "--help" || option == "-h") {
        CommandLine::new(binary).args(options).interactive().run(interrupt)?;
        return Ok(ExitCode::SUCCESS);
    }
    setup::ensure_bench(interrupt)?;
    let command: Vec<OsString> = std::iter::once(binary).chain(options).collect();
    engine::run(interrupt, &command)
}
