//! Rollouts on a real Docker engine, under load.
//!
//! Bakes three versions of a small web server, deploys v1, rolls it to v2 behind HAProxy while requests are sent, and
//! then to v3, which never gets healthy and is rolled back. Ends with an error if a request is lost or an outcome is
//! not the one expected. See `--help` for how to run it.

#![expect(clippy::print_stdout, reason = "showing something is what this program is for")]
#![expect(clippy::print_stderr, reason = "the error goes where errors go")]

mod cli;
mod images;
mod proxy;
mod rollouts;
mod run_folder;
mod site;

use std::error::Error;

use immutable_core::error::with_causes;
use std::process::ExitCode;

use clap::Parser;
use immutable_lab::{Engine, Netns, WebBinary};

use cli::Cli;

pub(crate) type Failed = Box<dyn Error + Send + Sync>;

fn main() -> ExitCode {
    match start(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", with_causes(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

fn start(cli: &Cli) -> Result<(), Failed> {
    // Before anything else: Cargo may have to build it, which a network namespace without a way out would not allow.
    let web = WebBinary::locate()?;
    if !cli.private_engine {
        return rollouts::run_all(cli, &cli::engine_socket()?, &web);
    }
    println!("starting a private engine …");
    let engine = Engine::start(&std::env::temp_dir())?;
    // Its containers have addresses in its network namespace only. Threads inherit the namespace of the thread that
    // starts them: everything below `run_in` is inside, and this thread stays outside to remove the namespace.
    let result = Netns::run_in(engine.netns(), || rollouts::run_all(cli, engine.socket(), &web));
    engine.stop()?;
    println!("removed the private engine");
    result?
}
