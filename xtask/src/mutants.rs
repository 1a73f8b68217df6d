use std::ffi::OsString;
use std::process::ExitCode;

use crate::command_line::CommandLine;
use crate::error::XtaskError;
use crate::interrupt::Interrupt;
use crate::workspace::{Workspace, cargo};

/// What is mutated: the parts of the core that decide.
const FILES: [&str; 3] = [
    "immutable-core/src/limits/**/*.rs",
    "immutable-core/src/strategy/**/*.rs",
    "immutable-core/src/planner/**/*.rs",
];

/// The program that mutates.
const VERSION: &str = "27.1.0";

/// `cargo xtask mutants`: changes the code in small ways, one at a time, and says which changes no test of the core sees.
///
/// Hours on two cores; `--shard 0/50` does a fiftieth, `--list` only tells what would be changed.
pub(crate) fn run(
    workspace: &Workspace,
    interrupt: &Interrupt,
    options: Vec<OsString>,
) -> Result<ExitCode, XtaskError> {
    let has_mutants = CommandLine::new(cargo()).args(["mutants", "--version"]).output().is_ok();
    if !has_mutants {
        return Err(XtaskError::MissingPrograms {
            missing: format!("cargo-mutants (`cargo install cargo-mutants --locked --version {VERSION}`)"),
            reason: "it takes minutes to build and only this command needs it",
        });
    }
    let files = FILES.into_iter().flat_map(|file| ["--file", file]);
    let tests = ["--lib", "--tests"];
    CommandLine::new(cargo())
        .args(["mutants", "--package", "immutable-core", "--all-features", "--output", "target/mutants"])
        .args(files)
        .args(options)
        .args(["--"])
        .args(tests)
        // A mutant that survives a thousand random cases is a survivor; each case more is paid for once a mutant.
        .env("PROPTEST_CASES", "1000")
        .folder(workspace.root())
        .interactive()
        .run(interrupt)?;
    Ok(ExitCode::SUCCESS)
}
