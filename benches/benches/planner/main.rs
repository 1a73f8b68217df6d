//! The pure engine against its limits: how much more a plan, a decision and a fold cost than the least work that gives
//! the same result.
//!
//! `cargo bench -p immutable-benches --bench planner`; with `-- --test` each is run once.

#![expect(clippy::unwrap_used, reason = "a benchmark fails by a panic")]
#![expect(clippy::print_stdout, reason = "figures are what it is for")]

mod fleet;

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::Criterion;
use immutable_core::Digest;
use immutable_core::journal::{Commit, Fold};
use immutable_core::planner::{Condition, RolloutState, decide};

/// One measured pair: what is measured, the work itself, and the least work that could do.
struct Pair<'a> {
    name: String,
    work: Box<dyn Fn() + 'a>,
    floor: Box<dyn Fn() + 'a>,
}

fn main() {
    let is_test = std::env::args().any(|argument| argument == "--test");

    let plans: Vec<_> =
        [100, 1_000, 10_000].map(|size| (size, fleet::snapshot(size), fleet::plan(size))).into();
    let (opened, busy) = fleet::states(10_000);
    let objects = fleet::journal(if is_test { 100 } else { 10_000 });
    let rollout = fleet::rollout();

    let mut pairs: Vec<Pair<'_>> = Vec::new();
    for (size, snapshot, plan) in &plans {
        pairs.push(Pair {
            name: format!("plan {size}"),
            work: Box::new(move || drop(black_box(fleet::request(*size).plan(snapshot, &fleet::strategy())))),
            // The events of the time line, and the instances that were there.
            floor: Box::new(|| {
                let mut events = Vec::new();
                for step in black_box(&plan.timeline).iter() {
                    events.push(step);
                }
                black_box((events, plan.initial.clone()));
            }),
        });
    }
    let count = |state: &RolloutState| {
        let available = state.members().filter(|member| member.condition == Condition::Available).count();
        black_box((state.members().count(), available));
    };
    for (name, state) in
        [("decide, 1,000 launches of 10,000", &opened), ("decide, nothing to do of 10,000", &busy)]
    {
        pairs.push(Pair {
            name: name.to_owned(),
            work: Box::new(|| drop(black_box(decide(state, fleet::start())))),
            floor: Box::new(move || count(black_box(state))),
        });
    }
    pairs.push(Pair {
        name: format!("fold {} commits", objects.len()),
        work: Box::new(|| {
            let mut fold = Fold::new(rollout.clone());
            for bytes in black_box(&objects) {
                let (commit, digest) = Commit::decode(bytes).unwrap();
                fold.apply(&commit, digest).unwrap();
            }
            black_box(fold);
        }),
        floor: Box::new(|| {
            for bytes in black_box(&objects) {
                let body = bytes.splitn(2, |byte| *byte == b'\n').nth(1).unwrap().trim_ascii_end();
                let commit: serde_json::Value = serde_json::from_slice(body).unwrap();
                black_box((Digest::of(body), commit));
            }
        }),
    });

    ratios(&pairs, if is_test { 1 } else { 15 });
    let mut criterion = Criterion::default().sample_size(10).configure_from_args();
    for pair in &pairs {
        criterion.bench_function(&pair.name, |bencher| bencher.iter(|| (pair.work)()));
        criterion
            .bench_function(&format!("floor of {}", pair.name), |bencher| bencher.iter(|| (pair.floor)()));
    }
    criterion.final_summary();
}

/// Work and floor in turn, so that both meet the same machine; the median of each.
fn ratios(pairs: &[Pair<'_>], rounds: usize) {
    println!("\n{:<34} {:>12} {:>12} {:>7}", "cost against its floor", "work", "floor", "ratio");
    for Pair { name, work, floor } in pairs {
        let (mut works, mut floors) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            works.push(time(work));
            floors.push(time(floor));
        }
        let (work, floor) = (median(works), median(floors));
        let ratio = work.as_secs_f64() / floor.as_secs_f64().max(1e-9);
        println!("{name:<34} {:>12} {:>12} {ratio:>7.1}", format!("{work:.1?}"), format!("{floor:.1?}"));
    }
    println!();
}

fn time(work: impl Fn()) -> Duration {
    let began = Instant::now();
    work();
    began.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
