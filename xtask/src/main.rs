//! The project's own commands: `cargo xtask <command>`.
//!
//! | command | what it does |
//! |---|---|
//! | `setup` | installs the Debian packages that the checks need |
//! | `test` | runs every check of the project; the only list of them there is |
//! | `engine -- <command>` | runs a command beside a private Docker engine |
//! | `mutants` | changes the deciding parts of the core and says which changes no test sees |
//! | `mutants-seeded` | plants deliberate bugs in the core and says whether simulations find them out |
//! | `model` | checks the journal protocol exhaustively, with ten million worlds |
//! | `sim` | runs rollouts in a simulated world in which everything goes wrong that can |
//! | `bench` | measures the planning engine, and with `--check` holds it against its limits |
//! | `bench-docker` | measures whole rollouts beside Docker Swarm and docker-compose |
//!
//! A command is a variant in `cli.rs` and a module with a `run` function.

#![expect(clippy::print_stdout, reason = "these commands talk to the person at the terminal")]
#![expect(clippy::print_stderr, reason = "these commands talk to the person at the terminal")]

mod bench;
mod bench_docker;
mod bench_program;
mod checks;
mod cli;
mod command_line;
mod engine;
mod error;
mod interrupt;
mod marked;
mod model;
mod mutants;
mod mutants_seeded;
mod setup;
mod sim;
mod workspace;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match cli::Cli::parse().run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {}", error.chain());
            ExitCode::FAILURE
        }
    }
}
