//! Whole rollouts on a Docker engine, side by side: this library, Docker Swarm, docker-compose, and the least the engine
//! itself needs.
//!
//! `cargo xtask bench-docker` runs this program beside a private engine, in the engine's network namespace.
//!
//! | contestant | what is timed |
//! |---|---|
//! | `ours` | a process that connects, plans and runs one rollout behind HAProxy; readiness by our HTTP probe |
//! | `floor` | create, start, HTTP-ready, stop and remove of as many containers at the same concurrency, without a router |
//! | `swarm` | `docker service update`, start-first, the same parallelism, `--endpoint-mode dnsrr` behind HAProxy |
//! | `compose` | `docker-compose up -d` of the changed file: recreation in place, behind HAProxy |
//!
//! All of them replace N containers of `v1` by `v2` while 200 requests a second arrive. Only one contestant exists at a
//! time; within a round they take turns. The containers are the same, but Swarm's image has a `HEALTHCHECK`: Swarm knows
//! no other readiness, and to the others its checks would only be a load.

#![expect(clippy::print_stdout, reason = "a benchmark's table is its purpose")]
#![expect(clippy::print_stderr, reason = "errors and progress go to the person at the terminal")]

mod bench;
mod case;
mod command;
mod compose;
mod container;
mod contestant;
mod deploy;
mod dns_proxy;
mod error;
mod floor;
mod images;
mod interrupt;
mod options;
mod ours;
mod stage;
mod standings;
mod swarm;
mod table;
mod trace;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let result = match deploy::Job::of_this_process() {
        Some(job) => job.and_then(|job| deploy::run(&job)).map(|()| ExitCode::SUCCESS),
        None => bench::run(&options::Options::parse()),
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {}", error::chain(&error));
        ExitCode::FAILURE
    })
}
