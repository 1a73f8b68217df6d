use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::error::XtaskError;
use crate::interrupt::Interrupt;
use crate::workspace::Workspace;
use crate::{bench, bench_docker, checks, engine, model, mutants, mutants_seeded, setup, sim};

/// The project's own commands.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Install the Debian packages that the checks need (as root), or name what is missing
    Setup,
    /// Run every check of the project
    Test {
        /// Run only the checks of these names
        #[arg(long, num_args = 1.., value_name = "NAME")]
        only: Vec<String>,
        /// Name the checks and run none
        #[arg(long)]
        list: bool,
    },
    /// Run a command beside a private Docker engine, in the engine's network namespace
    Engine {
        /// The command and its arguments, after `--`
        #[arg(last = true, required = true)]
        command: Vec<OsString>,
    },
    /// Change the deciding parts of the core in small ways and say which changes no test sees
    ///
    /// Some 6 seconds a mutant on two cores: hours for all, so name a shard or a file. Fails when a mutant survives that
    /// `immutable-core/mutants.toml` does not accept.
    Mutants {
        #[command(flatten)]
        options: mutants::Options,
    },
    /// Plant deliberate bugs in the core, one after the other, and say whether simulations find them out
    ///
    /// A minute for the library without a bug, which must break nothing, and seconds for each bug. Fails when one survives.
    MutantsSeeded {
        #[command(flatten)]
        options: mutants_seeded::Options,
    },
    /// Check the journal protocol exhaustively: ten million worlds of several controllers on a platform that is late
    Model,
    /// Run rollouts in a simulated world in which everything goes wrong that can
    #[command(disable_help_flag = true)]
    Sim {
        /// Options of the simulator, such as `--seed 7` or `--seeds 10000`; `--help` tells them
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "OPTION")]
        options: Vec<OsString>,
    },
    /// Measure the planning engine: ratios, peak memory and instruction counts
    Bench {
        #[command(flatten)]
        options: bench::Options,
    },
    /// Compare whole rollouts with Docker Swarm, docker-compose and the engine's floor, on a private engine
    #[command(disable_help_flag = true)]
    BenchDocker {
        /// Options of the benchmark; `--help` tells them
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "OPTION")]
        options: Vec<OsString>,
    },
}

impl Cli {
    pub(crate) fn run(self) -> Result<ExitCode, XtaskError> {
        let workspace = Workspace::here();
        let interrupt = Interrupt::register()?;
        match self.command {
            Command::Setup => setup::run(&interrupt).map(|()| ExitCode::SUCCESS),
            Command::Test { list: true, .. } => {
                checks::list();
                Ok(ExitCode::SUCCESS)
            }
            Command::Test { only, list: false } => checks::run(&workspace, &interrupt, &only),
            Command::Engine { command } => engine::run(&interrupt, &command),
            Command::Mutants { options } => mutants::run(&workspace, &interrupt, &options),
            Command::MutantsSeeded { options } => mutants_seeded::run(&workspace, &interrupt, &options),
            Command::Model => model::run(&workspace, &interrupt),
            Command::Sim { options } => sim::run(&workspace, &interrupt, options),
            Command::Bench { options } => {
                bench::run(&workspace, &interrupt, options).map(|()| ExitCode::SUCCESS)
            }
            Command::BenchDocker { options } => bench_docker::run(&workspace, &interrupt, options),
        }
    }
}
