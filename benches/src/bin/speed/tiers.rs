//! Releases of many groups in tiers, each tier after all groups of the one before: checked, and worked off to the end.

use immutable_benches::tiers::{floor_of, run, spec};

use crate::MEMORY;
use crate::figures::{Figures, median, shown, timed};

const TIERS: usize = 10;
const ROUNDS: usize = 5;

pub(crate) fn measure(figures: &mut Figures, groups: usize) {
    let mut rows = Vec::new();
    let mut peaks = Vec::new();
    for groups in [groups / 10, groups, groups * 10] {
        let spec = spec(groups, TIERS);
        let (mut times, mut floors, mut peak) = (Vec::new(), Vec::new(), 0.0_f64);
        for _ in 0..ROUNDS {
            let before = MEMORY.current_usage();
            MEMORY.reset_peak_usage();
            times.push(timed(|| run(&spec)).0);
            peak = peak.max((MEMORY.peak_usage() - before) as f64);
            floors.push(timed(|| floor_of(&spec)).0);
        }
        let (time, floor) = (median(times), median(floors));
        let ratio = time.as_secs_f64() / floor.as_secs_f64();
        peaks.push(peak / (groups + TIERS) as f64);
        let pairs = (groups / TIERS).pow(2) * (TIERS - 1);
        rows.push(vec![
            groups.to_string(),
            pairs.to_string(),
            shown(time),
            shown(floor),
            format!("{ratio:.1}"),
            format!("{:.0} B", peaks[peaks.len() - 1]),
        ]);
        figures.add(format!("release of {groups} groups / two look-ups of each name"), ratio);
    }
    figures.table(
        &[
            "groups in 10 tiers, all to all",
            "pairs they stand for",
            "check and work off",
            "two look-ups of each name",
            "ratio",
            "peak per group and tier",
        ],
        &rows,
    );
    let growth = peaks[peaks.len() - 1] / peaks[0];
    figures.add("release: peak per group, 100 times the groups / before", growth);
}
