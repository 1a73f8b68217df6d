use std::path::PathBuf;

use clap::Parser;

/// Shows what a rollout would do to a fleet: stages, batches, why each instance goes, what it waits for.
///
/// Nothing is launched or stopped.
#[derive(Debug, Parser)]
#[command(name = "plan", after_help = AFTER_HELP)]
pub(crate) struct Cli {
    /// The instances that exist: docs/schemas/fleet.json
    #[arg(long, value_name = "FLEET.json")]
    pub(crate) fleet: PathBuf,
    /// What is asked for: docs/schemas/rollout.json
    #[arg(long, value_name = "ROLLOUT.toml")]
    pub(crate) rollout: PathBuf,
    /// Write the plan to this file as well, for tools: docs/schemas/plan.json
    #[arg(long, value_name = "PLAN.json")]
    pub(crate) out: Option<PathBuf>,
    /// Print the plan for tools instead of for people
    #[arg(long)]
    pub(crate) json: bool,
}

const AFTER_HELP: &str = "\
Exit codes:
  0  there is nothing to do
  1  an error: a file cannot be read, or there is no plan within the limits
  2  there is something to do";
