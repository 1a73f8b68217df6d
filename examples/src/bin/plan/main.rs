//! Shows what a rollout would do, and does nothing.
//!
//! Reads a fleet (the stored form of a [`Snapshot`], JSON) and a rollout (that of a
//! [`PlanRequest`], TOML) and prints the plan: for people, or as JSON for tools.
//! Ends with 0 when there is nothing to do, with 2 when there is, and with 1 after an error. See `--help`.

#![expect(clippy::print_stderr, reason = "the error goes where errors go")]

mod cli;
mod document;
mod duration;
mod input;
mod output;
mod replay;
#[cfg(test)]
mod schemas;
mod text;
mod waits;

use std::fs;
use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use immutable_core::error::with_causes;
use immutable_core::fleet::Snapshot;
use immutable_core::planner::PlanRequest;

use cli::Cli;
use document::Document;
use output::Output;

pub(crate) type Failed = Box<dyn std::error::Error>;

/// The fleet is what the rollout asks for.
const NOTHING_TO_DO: u8 = 0;
/// Nothing was planned, or the plan is not to be used.
const FAILED: u8 = 1;
/// Instances would be launched or retired, or something must happen outside before they can be.
const CHANGES: u8 = 2;

fn main() -> ExitCode {
    let code = match Cli::try_parse() {
        Ok(cli) => start(&cli).unwrap_or_else(|error| {
            eprintln!("error: {}", with_causes(error.as_ref()));
            FAILED
        }),
        // Its own exit code for wrong options would be 2, which says that there are changes.
        Err(error) => {
            let shown = error.print().is_ok();
            if error.use_stderr() || !shown { FAILED } else { NOTHING_TO_DO }
        }
    };
    ExitCode::from(code)
}

fn start(cli: &Cli) -> Result<u8, Failed> {
    let fleet = Document::read(&cli.fleet)?;
    let rollout = Document::read(&cli.rollout)?;
    let snapshot: Snapshot = input::json(&fleet)?;
    let request: PlanRequest = input::toml(&rollout)?;
    let plan = request.plan_declared(&snapshot).map_err(|error| input::refused(&fleet, &rollout, &error))?;
    let strategy = request.declared_strategy().cloned().unwrap_or_default().to_string();
    let output = Output::of(&plan);
    let mut json = serde_json::to_string_pretty(&output)?;
    json.push('\n');
    if let Some(path) = &cli.out {
        fs::write(path, &json).map_err(|error| format!("{}: cannot be written: {error}", path.display()))?;
    }
    let shown = if cli.json { json } else { text::of(&output, &strategy) };
    std::io::stdout().write_all(shown.as_bytes())?;
    if !output.findings.is_empty() {
        let findings = output.findings.join("\n  ");
        return Err(
            format!("the plan breaks its own limits, do not use it and report this:\n  {findings}").into()
        );
    }
    Ok(if output.changes { CHANGES } else { NOTHING_TO_DO })
}
