use std::ffi::OsString;
use std::fmt::Write as _;
use std::process::ExitCode;

use serde::Deserialize;

use crate::bench_program::executable;
use crate::command_line::CommandLine;
use crate::error::XtaskError;
use crate::interrupt::Interrupt;
use crate::marked;
use crate::workspace::{Workspace, cargo};

const PROGRAM: &str = "seeded_bugs";

/// Beside what is built without bugs, which must not be taken for it.
const TARGET: &str = "target/seeded";

const DOCUMENT: &str = "docs/reliability.md";
const BEGIN: &str = "<!-- cargo xtask mutants-seeded --write -->";

/// What `cargo xtask mutants-seeded` was asked for.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// Only the bugs of these names
    #[arg(long, num_args = 1.., value_name = "NAME")]
    only: Vec<String>,
    /// Name the bugs and look for none
    #[arg(long)]
    list: bool,
    /// Give a bug up after so much time of a processor
    #[arg(long, default_value_t = 60)]
    cpu_seconds: u64,
    /// Write the table into `docs/reliability.md`
    #[arg(long, conflicts_with = "only")]
    write: bool,
}

/// A deliberate bug of the core.
#[derive(Debug, Deserialize)]
struct Bug {
    bug: String,
    class: String,
    what: String,
}

/// What came of the simulations with a bug, or without any.
#[derive(Debug, Deserialize)]
struct Hunt {
    /// How many there were; the last one has found it out.
    seeds: u64,
    seconds: f64,
    /// The property that broke and how, if one did.
    property: Option<String>,
    what: Option<String>,
}

/// `cargo xtask mutants-seeded`: plants one deliberate bug of the core after the other and runs simulations until one of
/// them breaks a property. It fails when a bug survives, or when the library without a bug breaks one too: then what was
/// found of the others would prove nothing.
pub(crate) fn run(
    workspace: &Workspace,
    interrupt: &Interrupt,
    options: &Options,
) -> Result<ExitCode, XtaskError> {
    let program = build(workspace, interrupt)?;
    let bugs = bugs(&program)?;
    if options.list {
        for Bug { bug, class, what } in &bugs {
            println!("{bug:<22} {class:<18} {what}");
        }
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(name) = options.only.iter().find(|name| bugs.iter().all(|bug| bug.bug != **name)) {
        let what = format!("no bug {name:?}; `--list` names them");
        return Err(XtaskError::Unexpected { from: PROGRAM, what });
    }
    let mut findings = Vec::new();
    println!("{:<22} {:<18} {:<16} {:>7} {:>7}", "bug", "class", "found by", "seed", "CPU s");
    let control = hunt(&program, None, options, interrupt)?;
    println!("{}", row("none", "", &control));
    if let Some(what) = &control.what {
        findings.push(format!("without a bug, seed {}: {what}", control.seeds - 1));
    }
    let mut table = String::from("| bug | class | found by | seed | CPU s |\n|---|---|---|---|---|\n");
    for Bug { bug, class, what } in &bugs {
        if !options.only.is_empty() && !options.only.contains(bug) {
            continue;
        }
        let hunt = hunt(&program, Some(bug), options, interrupt)?;
        println!("{}", row(bug, class, &hunt));
        let property = hunt.property.as_deref().unwrap_or("nothing");
        let (seed, seconds) = (hunt.seeds.saturating_sub(1), hunt.seconds);
        // Writing to a text cannot fail.
        let _ = writeln!(table, "| `{bug}`: {what} | {class} | {property} | {seed} | {seconds:.1} |");
        if hunt.property.is_none() {
            findings.push(format!("{bug} survived {} simulations", hunt.seeds));
        }
    }
    // What was found with bugs proves nothing if the same is found without.
    if options.write && control.property.is_none() {
        let without = format!(
            "Without a bug nothing was found in {} simulations and {:.0} seconds of a processor.",
            control.seeds, control.seconds
        );
        marked::write(workspace, DOCUMENT, BEGIN, &format!("{table}\n{without}"))?;
    }
    if findings.is_empty() { Ok(ExitCode::SUCCESS) } else { Err(XtaskError::Findings(findings)) }
}

fn build(workspace: &Workspace, interrupt: &Interrupt) -> Result<OsString, XtaskError> {
    let build = CommandLine::new(cargo())
        .args(["build", "--quiet", "--release", "--package", "immutable-testkit", "--example", PROGRAM])
        .args(["--target-dir", TARGET])
        .env("RUSTFLAGS", "--cfg seeded_bugs")
        .folder(workspace.root());
    build.run(interrupt)?;
    let messages = build.args(["--message-format", "json"]).output()?;
    executable(&messages, PROGRAM).ok_or_else(|| XtaskError::Unexpected {
        from: "cargo build",
        what: format!("no executable {PROGRAM} among its messages"),
    })
}

fn bugs(program: &OsString) -> Result<Vec<Bug>, XtaskError> {
    let said = CommandLine::new(program).args(["--list"]).output()?;
    said.lines().map(read).collect()
}

/// Runs simulations in a process of their own, which limits itself.
fn hunt(
    program: &OsString,
    bug: Option<&str>,
    options: &Options,
    interrupt: &Interrupt,
) -> Result<Hunt, XtaskError> {
    let hunt = CommandLine::new(program)
        .args(["--cpu-seconds".to_owned(), options.cpu_seconds.to_string()])
        .args(bug.into_iter().flat_map(|bug| ["--bug", bug]));
    let said = hunt.output();
    if interrupt.asked() {
        return Err(XtaskError::Interrupted);
    }
    match said {
        Ok(said) => read(said.trim()),
        // It was ended in a simulation that does not: nothing was found that names a property.
        Err(XtaskError::Failed { .. }) if bug.is_some() => {
            let seconds = options.cpu_seconds as f64;
            Ok(Hunt { seeds: 0, seconds, property: None, what: Some("did not end".to_owned()) })
        }
        Err(error) => Err(error),
    }
}

fn read<'t, T: Deserialize<'t>>(said: &'t str) -> Result<T, XtaskError> {
    serde_json::from_str(said).map_err(|_| XtaskError::Unexpected { from: PROGRAM, what: said.to_owned() })
}

fn row(bug: &str, class: &str, hunt: &Hunt) -> String {
    let Hunt { seeds, seconds, property, what } = hunt;
    let found = property.as_deref().unwrap_or("nothing");
    let seed = if property.is_some() { (seeds - 1).to_string() } else { format!("of {seeds}") };
    let what = what.as_deref().unwrap_or_default();
    format!("{bug:<22} {class:<18} {found:<16} {seed:>7} {seconds:>7.1}  {what}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_program_says_is_read_and_told() {
        let found: Hunt =
            read(r#"{"seeds": 3, "seconds": 1.25, "property": "S2 total", "what": "5 of 4"}"#).unwrap();
        let told = row("act-first", "protocol", &found);
        assert!(told.contains("S2 total") && told.contains("      2     1.2  5 of 4"), "{told}");
        let nothing: Hunt = read(r#"{"seeds": 9000, "seconds": 60.0}"#).unwrap();
        assert!(row("none", "", &nothing).contains("of 9000"));
        assert!(read::<Hunt>("thread panicked").is_err());
    }
}
