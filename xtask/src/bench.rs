use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use serde_json::Value;

use crate::command_line::CommandLine;
use crate::error::XtaskError;
use crate::interrupt::Interrupt;
use crate::workspace::Workspace;
use crate::{bench_program, marked, setup};

const BINARY: &str = "speed";

/// The most that each figure may be. Times are not in it: they belong to the machine.
const LIMITS: &str = "benches/limits.json";

/// After this line of the README stands what the benchmark has written.
const BEGIN: &str = "<!-- cargo xtask bench --readme -->";

/// What `cargo xtask bench` was asked for.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Options {
    /// Fail when a ratio or an instruction count is above its limit
    #[arg(long)]
    check: bool,
    /// Ten million instances and ten thousand seeds too: needs some 10 GB of memory and minutes
    #[arg(long)]
    large: bool,
    /// Write the table into the README
    #[arg(long)]
    readme: bool,
}

/// `cargo xtask bench`: runs the benchmark of the engine, counts its instructions, and holds both against their limits.
pub(crate) fn run(workspace: &Workspace, interrupt: &Interrupt, options: Options) -> Result<(), XtaskError> {
    setup::ensure_counting(interrupt)?;
    let program = bench_program::build(workspace, interrupt, BINARY)?;
    let mut measure = CommandLine::new(&program).args(["--json"]);
    if options.large {
        measure = measure.args(["--large"]);
    }
    let said = measure.output()?;
    let Ok(said) = serde_json::from_str::<Value>(&said) else {
        return Err(XtaskError::Unexpected { from: BINARY, what: said });
    };
    let markdown = said["markdown"].as_str().unwrap_or_default();
    println!("{markdown}");
    let mut figures = numbers(&said["figures"]);
    for work in ["plan", "decide"] {
        figures.insert(format!("instructions: {work}"), count(&program, work)?);
    }
    let limits = workspace.read(Path::new(LIMITS))?;
    let limits = serde_json::from_str::<Value>(&limits).map(|limits| numbers(&limits));
    let limits = limits.map_err(|error| XtaskError::Unexpected { from: LIMITS, what: error.to_string() })?;
    println!("{:<46} {:>14} {:>14}", "figure", "measured", "at most");
    for (name, figure) in &figures {
        let limit = limits.get(name).map_or_else(|| "-".to_owned(), f64::to_string);
        println!("{name:<46} {figure:>14.3} {limit:>14}");
    }
    if options.readme {
        marked::write(workspace, "README.md", BEGIN, markdown)?;
    }
    let findings = above(&figures, &limits);
    if options.check && !findings.is_empty() { Err(XtaskError::Findings(findings)) } else { Ok(()) }
}

/// The instructions beneath the function `counted` of the benchmark, which callgrind repeats to a few in a million.
fn count(program: &OsString, work: &str) -> Result<f64, XtaskError> {
    let said = CommandLine::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--log-fd=1"])
        .args(["--collect-atstart=no", "--toggle-collect=speed::counted*"])
        .args([program.clone()])
        .args(["--count", work])
        .output()?;
    collected(&said).ok_or(XtaskError::Unexpected { from: "callgrind", what: said })
}

/// The sum that callgrind prints at its end.
fn collected(said: &str) -> Option<f64> {
    said.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok())
}

fn numbers(object: &Value) -> BTreeMap<String, f64> {
    let members = object.as_object().into_iter().flatten();
    members.filter_map(|(name, value)| Some((name.clone(), value.as_f64()?))).collect()
}

/// The figures above their limits, and the limits that hold nothing.
fn above(figures: &BTreeMap<String, f64>, limits: &BTreeMap<String, f64>) -> Vec<String> {
    let broken = limits.iter().filter_map(|(name, limit)| match figures.get(name) {
        None => Some(format!("{LIMITS} limits {name:?}, which is not measured")),
        Some(figure) if figure > limit => Some(format!("{name}: {figure:.3}, at most {limit} ({LIMITS})")),
        Some(_) => None,
    });
    broken.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_above_its_limit_is_found_and_so_is_a_limit_of_nothing() {
        let figures = BTreeMap::from([("ratio".to_owned(), 2.5), ("free".to_owned(), 9.0)]);
        let limits = |limit| BTreeMap::from([("ratio".to_owned(), limit)]);
        assert!(above(&figures, &limits(2.5)).is_empty());
        assert_eq!(above(&figures, &limits(2.0)), ["ratio: 2.500, at most 2 (benches/limits.json)"]);
        assert_eq!(above(&BTreeMap::new(), &limits(2.0)).len(), 1);
    }

    #[test]
    fn callgrind_says_its_sum() {
        assert_eq!(
            collected("==7== Events    : Ir\n==7== Collected : 58079411\n==7== \n"),
            Some(58_079_411.0)
        );
        assert_eq!(collected("valgrind: no such file"), None);
    }
}
