//! Shows what a rollout would do, and does nothing.
//!
//! Reads a fleet (the stored form of a [`Snapshot`], JSON) and a rollout (that of a
//! [`PlanRequest`], TOML) and prints the plan: for people, or as JSON for tools. Or a release: many of both, and their order.
//! Ends with 0 when there is nothing to do, with 2 when there is, and with 1 after an error. See `--help`.

#![expect(clippy::print_stderr, reason = "the error goes where errors go")]

mod cli;
mod document;
mod duration;
mod input;
mod output;
mod release_file;
mod release_output;
mod release_text;
mod replay;
#[cfg(test)]
mod schemas;
mod text;
mod waits;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use immutable_core::error::with_causes;
use immutable_core::fleet::Snapshot;
use immutable_core::plan::Plan;
use immutable_core::planner::PlanRequest;
use immutable_core::release::ReleasePlan;
use serde::Serialize;

use cli::Cli;
use document::Document;
use output::Output;
use release_file::ReleaseFile;
use release_output::ReleaseOutput;

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
    if let Some(release) = &cli.release {
        return start_release(cli, release);
    }
    // The options require one another.
    let (Some(fleet), Some(rollout)) = (&cli.fleet, &cli.rollout) else {
        return Err("give --fleet and --rollout, or --release".into());
    };
    let (plan, request) = read(fleet, rollout)?;
    let strategy = request.declared_strategy().cloned().unwrap_or_default().to_string();
    let output = Output::of(&plan);
    show(cli, &output, || text::of(&output, &strategy))?;
    end(&output.findings, output.changes)
}

fn start_release(cli: &Cli, file: &Path) -> Result<u8, Failed> {
    let document = Document::read(file)?;
    let file: ReleaseFile = input::toml(&document)?;
    let mut plans = Vec::with_capacity(file.groups.len());
    for (number, group) in file.groups.iter().enumerate() {
        let (plan, _) = read(&document.beside(&group.snapshot), &document.beside(&group.request))?;
        plans.push(file.check(number, &document, plan)?);
    }
    let plan = ReleasePlan::new(file.release.clone(), file.spec(), plans)
        .map_err(|error| release_file::refused(&document, &file, &error))?;
    let output = ReleaseOutput::of(&plan)?;
    show(cli, &output, || release_text::of(&output))?;
    end(&output.findings, output.changes)
}

fn read(fleet: &Path, rollout: &Path) -> Result<(Plan, PlanRequest), Failed> {
    let fleet = Document::read(fleet)?;
    let rollout = Document::read(rollout)?;
    let snapshot: Snapshot = input::json(&fleet)?;
    let request: PlanRequest = input::toml(&rollout)?;
    let plan = request.plan_declared(&snapshot).map_err(|error| input::refused(&fleet, &rollout, &error))?;
    Ok((plan, request))
}

/// Prints the plan, and writes it where that is asked for.
fn show(cli: &Cli, output: &impl Serialize, text: impl FnOnce() -> String) -> Result<(), Failed> {
    let mut json = serde_json::to_string_pretty(output)?;
    json.push('\n');
    if let Some(path) = &cli.out {
        fs::write(path, &json).map_err(|error| format!("{}: cannot be written: {error}", path.display()))?;
    }
    let shown = if cli.json { json } else { text() };
    Ok(std::io::stdout().write_all(shown.as_bytes())?)
}

fn end(findings: &[String], changes: bool) -> Result<u8, Failed> {
    if !findings.is_empty() {
        let findings = findings.join("\n  ");
        return Err(
            format!("the plan breaks its own limits, do not use it and report this:\n  {findings}").into()
        );
    }
    Ok(if changes { CHANGES } else { NOTHING_TO_DO })
}
