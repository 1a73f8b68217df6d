use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use regex::Regex;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::Deserialize;
use serde_json::Value;

use crate::command_line::CommandLine;
use crate::error::XtaskError;
use crate::interrupt::Interrupt;
use crate::workspace::{Workspace, cargo};

/// The program that mutates.
const VERSION: &str = "27.1.0";

/// What is mutated: the parts of the core that decide.
const FILES: [&str; 3] = [
    "immutable-core/src/limits/**/*.rs",
    "immutable-core/src/strategy/**/*.rs",
    "immutable-core/src/planner/**/*.rs",
];

/// Survivors that are accepted, and why.
const ACCEPTED: &str = "immutable-core/mutants.toml";

/// Where the logs and the differences of the last run lie.
const OUTPUT: &str = "target/mutants";

/// The tests that see most mutants and are built in half the time of all: most mutants meet no other ones.
const QUICK: Pass =
    Pass { name: "quick", tests: &["--test=cases", "--test=properties", "--test=strategies"], cases: "200" };

/// All tests of the core but the model of the journal's protocol, for the mutants that the quick ones did not see.
const ALL: Pass = Pass {
    name: "all",
    tests: &[
        "--lib",
        "--test=cases",
        "--test=core",
        "--test=properties",
        "--test=release",
        "--test=scenarios",
        "--test=strategies",
    ],
    cases: "1000",
};

/// Explorations of every order of events: minutes without optimisation, so a rule that only they see counts as not seen.
const SKIPPED: &str = "kernel::";

/// A mutant that never ends may eat memory as long as it runs; what is built and tested here needs less than this.
const MEMORY: u64 = 8 << 30;

/// What `cargo xtask mutants` was asked for.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// Only a part of the mutants, spread over all files: `0/50` is the first of fifty parts
    #[arg(long, value_name = "K/N")]
    shard: Option<String>,
    /// Only the mutants of files of this glob, such as `immutable-core/src/limits/*.rs`
    #[arg(long, value_name = "GLOB")]
    file: Vec<String>,
    /// Name the mutants and test none
    #[arg(long)]
    list: bool,
}

/// Tests that are asked whether they see a mutant.
#[derive(Debug, Clone, Copy)]
struct Pass {
    name: &'static str,
    tests: &'static [&'static str],
    /// How many random cases a property has.
    cases: &'static str,
}

/// The mutants whose survival is accepted.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AcceptedFile {
    accepted: Vec<Accepted>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Accepted {
    /// A regular expression that the mutant's name matches.
    mutant: String,
    /// Why no test has to see it.
    reason: String,
}

/// What became of a mutant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// A test failed, or did not end.
    Caught,
    Survived,
    /// It does not compile.
    Unviable,
}

/// What became of each mutant, by its name: file, line, column and change.
type Fates = BTreeMap<String, Fate>;

/// `cargo xtask mutants`: changes the code in small ways, one at a time, and says which changes no test of the core sees.
///
/// Each mutant is built in a copy of the workspace and shown to the quick tests; what they do not see is shown to all.
/// It fails when a mutant survives that [`ACCEPTED`] does not name, or when that names one that there is not.
pub(crate) fn run(
    workspace: &Workspace,
    interrupt: &Interrupt,
    options: &Options,
) -> Result<ExitCode, XtaskError> {
    if CommandLine::new(cargo()).args(["mutants", "--version"]).output().is_err() {
        return Err(XtaskError::MissingPrograms {
            missing: format!("cargo-mutants (`cargo install cargo-mutants --locked --version {VERSION}`)"),
            reason: "it takes minutes to build and only this command needs it",
        });
    }
    let accepted = accepted(workspace)?;
    let mut selected: Vec<String> = Vec::new();
    let files = FILES.map(str::to_owned);
    let files = if options.file.is_empty() { &files[..] } else { &options.file };
    selected.extend(files.iter().map(|glob| format!("--file={glob}")));
    selected.extend(accepted.iter().map(|Accepted { mutant, .. }| format!("--exclude-re={mutant}")));
    if let Some(shard) = &options.shard {
        selected.extend([format!("--shard={shard}"), "--sharding=round-robin".to_owned()]);
    }
    if options.list {
        print!("{}", mutants(workspace).args(["--list"]).args(selected).output()?);
        return Ok(ExitCode::SUCCESS);
    }

    limit_memory()?;
    let mut fates = pass(QUICK, &selected, workspace, interrupt)?;
    let missed = survivors(&fates);
    if !missed.is_empty() {
        let names: Vec<String> = missed.iter().copied().map(regex::escape).collect();
        let mut selected = vec![format!("--re=^(?:{})$", names.join("|"))];
        // Only their files: this version of cargo-mutants lets a deleted field pass every choice of names.
        let files: BTreeSet<&str> = missed.into_iter().map(file_of).collect();
        selected.extend(files.into_iter().map(|file| format!("--file={file}")));
        fates.extend(pass(ALL, &selected, workspace, interrupt)?);
    }
    report(&fates);
    println!("{} are accepted without a test: {ACCEPTED}", accepted.len());
    let survivors = survivors(&fates);
    for name in &survivors {
        println!("SURVIVED {name}");
    }
    Ok(if survivors.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn mutants(workspace: &Workspace) -> CommandLine {
    CommandLine::new(cargo())
        .args(["mutants", "--package=immutable-core", "--all-features", "--profile=mutants"])
        .folder(workspace.root())
}

/// The survivors that are accepted; each entry must have a reason and name a mutant that there is.
fn accepted(workspace: &Workspace) -> Result<Vec<Accepted>, XtaskError> {
    let unexpected = |what: String| XtaskError::Unexpected { from: ACCEPTED, what };
    let text = workspace.read(Path::new(ACCEPTED))?;
    let AcceptedFile { accepted } = toml::from_str(&text).map_err(|error| unexpected(error.to_string()))?;
    let all =
        mutants(workspace).args(["--list"]).args(FILES.map(|glob| format!("--file={glob}"))).output()?;
    let mut findings = Vec::new();
    for Accepted { mutant, reason } in &accepted {
        let pattern = Regex::new(mutant).map_err(|error| unexpected(error.to_string()))?;
        if !all.lines().any(|name| pattern.is_match(name)) {
            findings.push(format!("{ACCEPTED}: there is no mutant `{mutant}` any more"));
        }
        if reason.is_empty() {
            findings.push(format!("{ACCEPTED}: `{mutant}` has no reason"));
        }
    }
    if findings.is_empty() { Ok(accepted) } else { Err(XtaskError::Findings(findings)) }
}

/// Holds for this process and all that it starts.
fn limit_memory() -> Result<(), XtaskError> {
    let maximum = getrlimit(Resource::As).maximum;
    let current = Some(maximum.map_or(MEMORY, |maximum| maximum.min(MEMORY)));
    setrlimit(Resource::As, Rlimit { current, maximum })
        .map_err(|error| XtaskError::io("limiting the memory")(error.into()))
}

/// Tests each selected mutant.
fn pass(
    pass: Pass,
    selected: &[String],
    workspace: &Workspace,
    interrupt: &Interrupt,
) -> Result<Fates, XtaskError> {
    let Pass { name, tests, cases } = pass;
    println!("\n=== {name} tests: {}", tests.join(" ").replace("--test=", ""));
    let output = format!("{OUTPUT}/{name}");
    fs::create_dir_all(workspace.root().join(&output))
        .map_err(XtaskError::io(format!("creating {output}")))?;
    let command = mutants(workspace)
        .args([format!("--output={output}")])
        .args(["--minimum-test-timeout=15", "--timeout-multiplier=4"])
        .args(selected)
        // Whatever chooses targets must be said of every command, or all of them are built.
        .args(tests.iter().map(|test| format!("--cargo-arg={test}")))
        .args(["--", "--", "--skip", SKIPPED])
        .env("PROPTEST_CASES", cases)
        .env("PROPTEST_RNG_SEED", "20261123")
        // That a case fails is all that is asked; a smaller one would take ten times as long.
        .env("PROPTEST_MAX_SHRINK_ITERS", "0")
        // Of the copy, not of this workspace: a mutant must not be taken for what is built here.
        .env("CARGO_TARGET_DIR", "target")
        .interactive();
    let status = command.status(interrupt)?;
    // 2: some survive. 3: some do not end.
    if !matches!(status.code(), Some(0 | 2 | 3)) {
        return Err(XtaskError::Failed { command: command.to_string(), status: status.to_string() });
    }
    let outcomes = workspace.read(&Path::new(&output).join("mutants.out/outcomes.json"))?;
    fates(&outcomes).ok_or(XtaskError::Unexpected { from: "cargo-mutants", what: outcomes })
}

/// What cargo-mutants wrote down.
fn fates(outcomes: &str) -> Option<Fates> {
    let outcomes: Value = serde_json::from_str(outcomes).ok()?;
    let mutants = outcomes["outcomes"].as_array()?.iter().filter(|outcome| outcome["scenario"].is_object());
    let fate = |outcome: &Value| {
        let fate = match outcome["summary"].as_str()? {
            "CaughtMutant" | "Timeout" => Fate::Caught,
            "MissedMutant" => Fate::Survived,
            "Unviable" => Fate::Unviable,
            _ => return None,
        };
        Some((outcome["scenario"]["Mutant"]["name"].as_str()?.to_owned(), fate))
    };
    mutants.map(fate).collect()
}

fn survivors(fates: &Fates) -> Vec<&str> {
    let survived = fates.iter().filter(|(_, fate)| **fate == Fate::Survived);
    survived.map(|(name, _)| name.as_str()).collect()
}

fn file_of(name: &str) -> &str {
    name.split(':').next().unwrap_or(name)
}

/// How many of each file's mutants were caught; those that do not compile are none.
fn report(fates: &Fates) {
    let mut files: BTreeMap<&str, [usize; 2]> = BTreeMap::new();
    for (name, fate) in fates {
        let [caught, survived] = files.entry(file_of(name)).or_default();
        match fate {
            Fate::Caught => *caught += 1,
            Fate::Survived => *survived += 1,
            Fate::Unviable => {}
        }
    }
    println!("\n{:<50} {:>7} {:>8} {:>8}", "file", "mutants", "caught", "share");
    let line = |file: &str, [caught, survived]: [usize; 2]| {
        let share = 100.0 * caught as f64 / (caught + survived).max(1) as f64;
        println!("{file:<50} {:>7} {caught:>8} {share:>6.1} %", caught + survived);
    };
    files.iter().for_each(|(file, counts)| line(file, *counts));
    let all = files.values().fold([0, 0], |all, counts| [all[0] + counts[0], all[1] + counts[1]]);
    line("all", all);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_down_is_read_and_the_baseline_is_no_mutant() {
        let outcome = |name: &str, summary: &str| {
            format!(r#"{{"scenario": {{"Mutant": {{"name": "{name}"}}}}, "summary": "{summary}"}}"#)
        };
        let outcomes = [
            r#"{"scenario": "Baseline", "summary": "Success"}"#.to_owned(),
            outcome("a.rs:1:1: x", "CaughtMutant"),
            outcome("a.rs:2:1: x", "MissedMutant"),
            outcome("a.rs:3:1: x", "Timeout"),
            outcome("a.rs:4:1: x", "Unviable"),
        ];
        let fates = fates(&format!(r#"{{"outcomes": [{}]}}"#, outcomes.join(","))).unwrap();
        assert_eq!(
            fates.values().copied().collect::<Vec<_>>(),
            [Fate::Caught, Fate::Survived, Fate::Caught, Fate::Unviable]
        );
        assert_eq!(survivors(&fates), ["a.rs:2:1: x"]);
    }

    #[test]
    fn an_unknown_outcome_is_not_taken_for_a_caught_one() {
        let outcome = r#"{"scenario": {"Mutant": {"name": "a"}}, "summary": "Dreamt"}"#;
        assert_eq!(fates(&format!(r#"{{"outcomes": [{outcome}]}}"#)), None);
    }

    #[test]
    fn every_accepted_survivor_has_a_reason() {
        let text = Workspace::here().read(Path::new(ACCEPTED)).unwrap();
        let AcceptedFile { accepted } = toml::from_str(&text).unwrap();
        for Accepted { mutant, reason } in accepted {
            assert!(Regex::new(&mutant).is_ok() && !reason.is_empty(), "{mutant}");
        }
    }
}
