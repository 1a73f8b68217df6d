//! The speed of the engine: what it costs to plan, to decide and to roll out, each beside the least work that could do or
//! beside what others do. `cargo xtask bench` runs it, holds it against its limits and counts its instructions.

#![expect(clippy::unwrap_used, reason = "a benchmark fails by a panic")]
#![expect(clippy::print_stdout, reason = "figures are what it is for")]

mod figures;
mod fleets;
mod makespan;
mod next_decision;
mod tiers;
mod whole_plan;

use clap::{Parser, ValueEnum};
use peak_alloc::PeakAlloc;

use crate::figures::Figures;

/// Counts what is in use, so that the peak of a piece of work is known.
#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// How fast the planning engine is.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask bench")]
struct Options {
    /// Ten million instances, and ten thousand seeds
    #[arg(long)]
    large: bool,
    /// Few repetitions and small fleets: whether it works, not how fast
    #[arg(long)]
    quick: bool,
    /// Figures and table as one JSON object
    #[arg(long)]
    json: bool,
    /// Only this part, measured
    #[arg(long, value_enum)]
    only: Option<Part>,
    /// Only this piece of work, once, for a tool that counts its instructions
    #[arg(long, value_enum)]
    count: Option<Work>,
}

/// What is measured, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Full plans
    Plan,
    /// The next decision after a thousand events
    Decision,
    /// Groups in tiers
    Tiers,
    /// How long rollouts take beside their bound and their peers
    Makespan,
}

/// What is counted: everything beneath the function `counted` of this program.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Work {
    /// Ten groups of a thousand instances are planned
    Plan,
    /// A group of a hundred thousand instances decides after a thousand events
    Decide,
}

fn main() {
    let options = Options::parse();
    match options.count {
        Some(Work::Plan) => return whole_plan::count(),
        Some(Work::Decide) => return next_decision::count(),
        None => {}
    }
    let mut figures = Figures::default();
    let size = if options.quick { 10 } else { 1_000 };
    let measures = |part| options.only.is_none_or(|only| only == part);
    if measures(Part::Plan) {
        whole_plan::measure(&mut figures, size, options.large);
    }
    if measures(Part::Decision) {
        next_decision::measure(&mut figures, if options.quick { 10_000 } else { 1_000_000 });
    }
    if measures(Part::Tiers) {
        tiers::measure(&mut figures, if options.quick { 1_000 } else { 10_000 });
    }
    if measures(Part::Makespan) {
        makespan::measure(
            &mut figures,
            match (options.quick, options.large) {
                (true, _) => 2,
                (false, false) => 100,
                (false, true) => 10_000,
            },
        );
    }
    if options.json { println!("{}", figures.json()) } else { println!("{}", figures.markdown()) }
}

/// Callgrind counts what happens in here.
#[inline(never)]
fn counted<T>(work: impl FnOnce() -> T) -> T {
    std::hint::black_box(work())
}
