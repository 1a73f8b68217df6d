use std::path::PathBuf;

use clap::Parser;

/// Shows what a rollout would do to a fleet: stages, batches, why each instance goes, what it waits for.
///
/// Nothing is launched or stopped.
#[derive(Debug, Parser)]
#[command(name = "plan", after_help = AFTER_HELP)]
pub(crate) struct Cli {
    /// The instances that exist: docs/schemas/fleet.json
    #[arg(long, value_name = "FLEET.json", required_unless_present = "release")]
    pub(crate) fleet: Option<PathBuf>,
    /// What is asked for: docs/schemas/rollout.json
    #[arg(long, value_name = "ROLLOUT.toml", required_unless_present = "release")]
    pub(crate) rollout: Option<PathBuf>,
    /// Instead of both: many groups and their order, each with a file of its own for both: docs/schemas/release.json
    #[arg(long, value_name = "RELEASE.toml", conflicts_with_all = ["fleet", "rollout"])]
    pub(crate) release: Option<PathBuf>,
    /// Write the plan to this file as well, for tools: docs/schemas/plan.json, or docs/schemas/release-plan.json
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
