//! What the journal costs: written beside plain file calls, read with and without a checkpoint, and a whole rollout over it.
//! Every piece runs in a process of its own, so that its peak of memory is its own.

#![expect(clippy::unwrap_used, reason = "a benchmark fails by a panic")]
#![expect(clippy::print_stdout, reason = "figures are what it is for")]

mod append;
mod folder;
mod read;
mod rollout;
mod world;

use std::path::PathBuf;
use std::process::Command;

use clap::{Parser, ValueEnum};

/// What the journal costs.
#[derive(Debug, Parser)]
struct Options {
    /// How many instances the large rollouts have
    #[arg(long, default_value_t = 100_000)]
    instances: u32,
    /// Where journals are written: a folder on the disk that is to be measured
    #[arg(long, default_value = "target")]
    folder: PathBuf,
    /// Only this piece
    #[arg(long, value_enum)]
    only: Option<Piece>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Piece {
    /// Commits with fsync, beside the same bytes by plain file calls
    Append,
    /// A rollout there and all the way back is read again
    Read,
    /// A whole rollout by the real controller
    Rollout,
}

fn main() {
    let options = Options::parse();
    match options.only {
        Some(Piece::Append) => append::measure(&options.folder),
        Some(Piece::Read) => read::measure(&options.folder, options.instances),
        Some(Piece::Rollout) => rollout::measure(&options.folder, options.instances),
        None => {
            for piece in ["append", "read", "rollout"] {
                let this = std::env::current_exe().unwrap();
                let mut command = Command::new(this);
                command.args(std::env::args_os().skip(1)).args(["--only", piece]);
                assert!(command.status().unwrap().success(), "{piece} failed");
            }
        }
    }
}

/// The largest resident memory that this process has had.
fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
    format!("{} MB", kib * 1024 / 1_000_000)
}
