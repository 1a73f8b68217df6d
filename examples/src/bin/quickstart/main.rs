//! Rollouts of thirty servers in three zones, in memory: no engine, no network, and no time but virtual time.
//!
//! `cargo quickstart` shows a good version, two bad ones, and a controller that is killed twice; it ends with an
//! error if one of them does not end as it says here. `cargo quickstart --fast` does not slow it down for the eye.

#![expect(clippy::print_stdout, reason = "showing something is what this program is for")]
#![expect(clippy::print_stderr, reason = "the error goes where errors go")]

mod acts;
mod world;

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use world::World;

/// Real time for each virtual second, so that the eye can follow on a terminal.
const PACE: Duration = Duration::from_millis(12);

const HELP: &str = "Rollouts of thirty servers in three zones, in memory.

Usage: cargo quickstart [--fast]

  --fast   do not slow virtual time down for the eye (as when the output is no terminal)";

fn main() -> ExitCode {
    let mut fast = !std::io::stdout().is_terminal();
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--fast" => fast = true,
            "--help" | "-h" => {
                println!("{HELP}");
                return ExitCode::SUCCESS;
            }
            other => {
                eprintln!("unknown argument `{other}`\n\n{HELP}");
                return ExitCode::FAILURE;
            }
        }
    }
    let started = Instant::now();
    let world = World::new(if fast { Duration::ZERO } else { PACE });
    match acts::play(&world) {
        Ok(()) => {
            println!("\nEverything ended as it should, after {:.0?} of virtual time.", world.elapsed());
            // Only for somebody who looks: the rest of the output is the same every time.
            if std::io::stdout().is_terminal() {
                println!("It took {:.1?} of real time.", started.elapsed());
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("\nnot as it should be: {error}");
            ExitCode::FAILURE
        }
    }
}
