//! Runs simulations from the command line: one seed with its whole trace, a stored world, or many seeds with their sums.

#![expect(clippy::print_stdout, reason = "talks to the person at the terminal")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use immutable_testkit::simulation::{Campaign, Report, Schedule, Setup, Simulation};
use serde::{Deserialize, Serialize};

/// Runs rollouts in a simulated world in which everything goes wrong that can.
#[derive(Debug, Parser)]
struct Options {
    /// Run this seed, twice, with a trace of everything that happens
    #[arg(long, conflicts_with_all = ["seeds", "replay"])]
    seed: Option<u64>,
    /// Run so many seeds
    #[arg(long, default_value_t = 10_000)]
    seeds: u64,
    /// The first of them
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// On so many threads; as many as there are cores if not said
    #[arg(long)]
    threads: Option<usize>,
    /// Run a stored world with its faults, as a failure prints them, with a trace
    #[arg(long, value_name = "FILE")]
    replay: Option<PathBuf>,
    /// Leave out the trace
    #[arg(long)]
    quiet: bool,
}

/// A world and its faults, as a file holds them.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    seed: u64,
    setup: Setup,
    schedule: Schedule,
}

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let options = Options::parse();
    let is_sound = if let Some(path) = &options.replay {
        let Stored { seed, setup, schedule } = serde_json::from_slice(&std::fs::read(path)?)?;
        one(&Simulation::of(setup, schedule).seed(seed), options.quiet)?
    } else if let Some(seed) = options.seed {
        one(&Simulation::seeded(seed), options.quiet)?
    } else {
        many(&options)?
    };
    Ok(if is_sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs one simulation twice, and a failing one until nothing can be left out.
fn one(simulation: &Simulation, quiet: bool) -> Result<bool, Box<dyn std::error::Error>> {
    let report = simulation.clone().traced().run();
    let again = simulation.clone().traced().run();
    if !quiet {
        println!("{}", report.trace.as_deref().unwrap_or_default());
    }
    println!("{}", serde_json::to_string(simulation.world())?);
    for scheduled in simulation.schedule().faults() {
        println!("  {}", serde_json::to_string(scheduled)?);
    }
    println!("{report}");
    if report.digest != again.digest || report.trace != again.trace {
        return Err("the second run did something else".into());
    }
    println!("a second run did the same to the byte");
    let report = simulation.run_with_oracle();
    if report.violation.is_some() {
        shrink(&report)?;
    }
    Ok(report.violation.is_none())
}

fn shrink(report: &Report) -> Result<(), Box<dyn std::error::Error>> {
    let seed = report.seed.unwrap_or(0);
    let shrunk = Simulation::of(report.setup.clone(), report.schedule.clone()).seed(seed).shrunk();
    let stored = Stored { seed, setup: shrunk.world().clone(), schedule: shrunk.schedule().clone() };
    if let Some(violation) = &report.violation {
        println!("seed {seed}: {violation}");
    }
    println!(
        "as few faults as break the same ({} of {}):",
        stored.schedule.faults().len(),
        report.schedule.faults().len()
    );
    println!("{}", serde_json::to_string_pretty(&stored)?);
    Ok(())
}

fn many(options: &Options) -> Result<bool, Box<dyn std::error::Error>> {
    let threads = options.threads.or_else(|| std::thread::available_parallelism().ok().map(usize::from));
    let threads = threads.unwrap_or(1);
    let began = Instant::now();
    let tallied = Campaign::of(options.from..options.from + options.seeds).threads(threads).run();
    let took = began.elapsed().as_secs_f64();
    println!("{tallied}");
    let hours = tallied.simulated.as_secs_f64() / 3600.0;
    println!(
        "{took:.1} s on {threads} threads: {:.0} runs/s, {:.0} events/s, {:.0} simulated hours in a real minute",
        tallied.runs as f64 / took,
        tallied.events as f64 / took,
        hours / took * 60.0
    );
    for report in tallied.failures.iter().take(3) {
        shrink(report)?;
    }
    for report in &tallied.failures {
        if let (Some(seed), Some(violation)) = (report.seed, &report.violation) {
            println!("seed {seed}: {violation}");
        }
    }
    let unmet: Vec<_> = tallied.unmet().map(|kind| kind.name()).collect();
    // A handful of seeds need not meet every kind.
    let is_covered = unmet.is_empty() || tallied.runs < 1000;
    if !is_covered {
        println!("faults that nobody met: {}", unmet.join(", "));
    }
    Ok(tallied.broken == 0 && is_covered)
}
