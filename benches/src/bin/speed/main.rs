//! The engine's speed.
#![expect(clippy::unwrap_used, reason = "a benchmark fails by a panic")]
#![expect(clippy::print_stdout, reason = "figures are what it is for")]

mod fleets;

use std::hint::black_box;
use std::time::Instant;

use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

#[inline(never)]
fn counted<T>(work: impl FnOnce() -> T) -> T {
    black_box(work())
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let groups: u32 = args[2].parse().unwrap();
    let size: u32 = args[3].parse().unwrap();
    let snapshots = fleets::groups(groups, size);
    let n = f64::from(groups * size);
    let rounds = args.get(4).map_or(1, |n| n.parse().unwrap());
    for _ in 0..rounds {
        match args[1].as_str() {
            "plan" => {
                let began = Instant::now();
                let before = MEMORY.current_usage();
                MEMORY.reset_peak_usage();
                let plans = counted(|| snapshots.iter().map(fleets::plan).collect::<Vec<_>>());
                println!(
                    "plan {:.1} ns each, peak {:.1} B each",
                    began.elapsed().as_secs_f64() * 1e9 / n,
                    (MEMORY.peak_usage() - before) as f64 / n
                );
                drop(plans);
                let began = Instant::now();
                let before = MEMORY.current_usage();
                MEMORY.reset_peak_usage();
                for snapshot in &snapshots {
                    black_box(fleets::plan(snapshot));
                }
                println!(
                    "one at a time {:.1} ns each, peak {:.1} B each",
                    began.elapsed().as_secs_f64() * 1e9 / n,
                    (MEMORY.peak_usage() - before) as f64 / n
                );
                let began = Instant::now();
                let copies = snapshots.iter().map(fleets::sorted_copy).collect::<Vec<_>>();
                println!("copy+sort {:.1} ns each", began.elapsed().as_secs_f64() * 1e9 / n);
                drop(copies);
            }
            "count" => {
                counted(|| {
                    for snapshot in &snapshots {
                        black_box(fleets::plan(snapshot));
                    }
                });
            }
            other => panic!("{other}"),
        }
    }
}
