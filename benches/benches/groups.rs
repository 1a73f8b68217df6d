//! Releases of many groups in tiers, each tier after all groups of the one before: what it costs to check the order and to
//! work the whole release off, and how it grows.
//!
//! `cargo bench -p immutable-benches --bench groups`; with `-- --test` each is run once.

#![expect(clippy::unwrap_used, reason = "a benchmark fails by a panic")]
#![expect(clippy::print_stdout, reason = "figures are what it is for")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::Criterion;
use immutable_benches::tiers::{floor_of, run, spec};
use immutable_core::release::Release;

fn main() {
    let is_test = std::env::args().any(|argument| argument == "--test");
    let rounds = if is_test { 1 } else { 15 };
    growth(rounds);
    shapes(rounds);

    let spec = spec(10_000, 10);
    let mut criterion = Criterion::default().sample_size(10).configure_from_args();
    criterion.bench_function("10,000 groups, 10 tiers: check and work off", |bencher| {
        bencher.iter(|| run(black_box(&spec)));
    });
    criterion.bench_function("10,000 groups, 10 tiers: check", |bencher| {
        bencher.iter(|| Release::open(black_box(&spec)).unwrap());
    });
    criterion.final_summary();
}

/// Time and memory against the number of groups, in ten tiers.
fn growth(rounds: usize) {
    println!(
        "\n{:>8} {:>8} {:>8} {:>14} {:>10} {:>10} {:>10} {:>12} {:>8}",
        "groups", "nodes", "edges", "pairs instead", "check", "whole run", "floor", "ns per group", "ratio"
    );
    for groups in [1_000, 10_000, 100_000] {
        let spec = spec(groups, 10);
        let graph = spec.graph().unwrap();
        assert_eq!(graph.nodes(), groups + 10);
        assert!(graph.edges() < 2 * groups, "at most one edge an end of a group");
        let check = median(rounds, || drop(black_box(Release::open(&spec))));
        let whole = median(rounds, || run(&spec));
        let floor = median(rounds, || floor_of(&spec));
        let pairs = groups / 10 * (groups / 10) * 9;
        println!(
            "{groups:>8} {:>8} {:>8} {pairs:>14} {:>10} {:>10} {:>10} {:>12.0} {:>8.1}",
            graph.nodes(),
            graph.edges(),
            format!("{check:.1?}"),
            format!("{whole:.1?}"),
            format!("{floor:.1?}"),
            whole.as_secs_f64() * 1e9 / groups as f64,
            whole.as_secs_f64() / floor.as_secs_f64().max(1e-9),
        );
    }
}

/// Ten thousand groups in few and in many tiers.
fn shapes(rounds: usize) {
    println!("\n{:>8} {:>8} {:>8} {:>8} {:>10}", "groups", "tiers", "nodes", "edges", "whole run");
    for tiers in [2, 10, 100, 1_000, 10_000] {
        let spec = spec(10_000, tiers);
        let graph = spec.graph().unwrap();
        let whole = median(rounds, || run(&spec));
        println!(
            "{:>8} {tiers:>8} {:>8} {:>8} {:>10}",
            10_000,
            graph.nodes(),
            graph.edges(),
            format!("{whole:.1?}")
        );
    }
    println!();
}

fn median(rounds: usize, work: impl Fn()) -> Duration {
    let mut times: Vec<Duration> = (0..rounds)
        .map(|_| {
            let began = Instant::now();
            work();
            began.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[times.len() / 2]
}
