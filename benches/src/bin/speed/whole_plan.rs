//! A full plan of many groups, beside one pass that copies the same instances and sorts them by zone and age.

use std::hint::black_box;
use std::time::Duration;

use immutable_core::fleet::Snapshot;

use crate::figures::{Figures, median, shown, timed};
use crate::{MEMORY, counted, fleets};

const GROUPS: u32 = 1_000;
const ROUNDS: usize = 5;

struct Measured {
    instances: f64,
    plan: Duration,
    copy: Duration,
    floor: Duration,
    peak: f64,
}

pub(crate) fn measure(figures: &mut Figures, size: u32, large: bool) {
    let sizes = [size / 10, size, size * 10];
    let sizes = &sizes[..if large { 3 } else { 2 }];
    let measured: Vec<Measured> = sizes.iter().map(|size| run(&fleets::groups(GROUPS, *size))).collect();
    let rows: Vec<Vec<String>> = measured.iter().map(row).collect();
    figures.table(
        &[
            "full plan, 1,000 groups × 6 zones",
            "plan",
            "per instance",
            "copy and sort",
            "ratio",
            "look at each, share it, write its steps",
            "ratio",
            "peak per instance",
        ],
        &rows,
    );
    let points = measured.iter().map(|measured| {
        let each = measured.plan.as_secs_f64() * 1e9 / measured.instances;
        (format!("{} instances", measured.instances), each, format!("{each:.0} ns"))
    });
    figures.curve("a full plan, per instance", &points.collect::<Vec<_>>());
    let growth = exponent(&measured);
    figures.note(format!(
        "Fit: time = c · instances^{growth:.2}; 1 is linear. Beside it: the same instances copied and sorted by zone and \
         age. Peak: beyond the snapshots, with all plans kept. Plans have the way back from every stage in them."
    ));
    let usual = &measured[1];
    figures.add("plan / copy and sort", ratio(usual, usual.copy));
    figures.add("plan / look at each, share it, write its steps", ratio(usual, usual.floor));
    figures.add("plan: peak bytes per instance", usual.peak);
    figures.add("plan: exponent of growth", growth);
}

/// The exponent k of time = c · instances^k that fits best: the slope of the logarithms by least squares.
fn exponent(measured: &[Measured]) -> f64 {
    let points = measured.iter().map(|measured| (measured.instances.ln(), measured.plan.as_secs_f64().ln()));
    let points: Vec<(f64, f64)> = points.collect();
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / points.len() as f64;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let products = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum::<f64>();
    products / points.iter().map(|point| (point.0 - x).powi(2)).sum::<f64>()
}

pub(crate) fn count() {
    let snapshots = fleets::groups(10, 1_000);
    counted(|| plan_each(&snapshots));
}

fn plan_each(snapshots: &[Snapshot]) {
    for snapshot in snapshots {
        black_box(fleets::plan(snapshot));
    }
}

/// Plan and copy in turn, so that both meet the same machine. All plans are kept to the end, and so are all copies.
fn run(snapshots: &[Snapshot]) -> Measured {
    let instances = snapshots.iter().map(|snapshot| snapshot.instances.len()).sum::<usize>() as f64;
    let (mut plans, mut copies, mut floors, mut peak) = (Vec::new(), Vec::new(), Vec::new(), 0.0_f64);
    for _ in 0..ROUNDS {
        let before = MEMORY.current_usage();
        MEMORY.reset_peak_usage();
        let (time, kept) = timed(|| snapshots.iter().map(fleets::plan).collect::<Vec<_>>());
        peak = peak.max((MEMORY.peak_usage() - before) as f64 / instances);
        drop(black_box(kept));
        plans.push(time);
        let (time, kept) = timed(|| snapshots.iter().map(fleets::sorted_copy).collect::<Vec<_>>());
        drop(black_box(kept));
        copies.push(time);
        let (time, kept) = timed(|| snapshots.iter().map(fleets::floor).collect::<Vec<_>>());
        drop(black_box(kept));
        floors.push(time);
    }
    Measured { instances, plan: median(plans), copy: median(copies), floor: median(floors), peak }
}

fn ratio(measured: &Measured, beside: Duration) -> f64 {
    measured.plan.as_secs_f64() / beside.as_secs_f64()
}

fn row(measured: &Measured) -> Vec<String> {
    vec![
        format!("{} instances", measured.instances),
        shown(measured.plan),
        shown(measured.plan.div_f64(measured.instances)),
        shown(measured.copy),
        format!("{:.1}", ratio(measured, measured.copy)),
        shown(measured.floor),
        format!("{:.1}", ratio(measured, measured.floor)),
        format!("{:.0} B", measured.peak),
    ]
}
