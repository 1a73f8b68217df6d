//! Which groups of a service may be deleted? Spinnaker deletes all but so many, the older or the smaller ones first, active
//! ones only when told to. In ours nothing is deleted for being one too many: which instances leave follows from the stages
//! of a plan. What remains is the question whether they may, and the guard's answer permits what Spinnaker does:
//!
//! - *active ones not*: a guard of the whole capacity. What does not serve may go, what serves may not.
//! - *active ones too*: a guard that keeps one instance. All that Spinnaker deletes may go, but never all there are.
//!
//! `shrink_to_size`, `retain_larger_over_newer` and the order of deletion choose among what is permitted; no such choice is
//! made here, so they only say which groups go.

use immutable_core::release::Capacity;
use libtest_mimic::Trial;

use crate::table;

pub(crate) fn trials() -> Vec<Trial> {
    let text = include_str!("../cases/spinnaker_shrink_cluster.csv");
    let name = |row: &[String]| {
        let note = if row[6].is_empty() { "" } else { " - " };
        let which = if row[0] == "true" { "active too" } else { "not active" };
        format!("{} to {}, {which}{note}{}", row[3], row[1], row[6])
    };
    table::trials("shrink", text, 9, name, check)
}

fn check(row: &[String]) {
    let [allow_active, _, _, groups, deleted, _, _] = row else { panic!("{row:?}") };
    let allow_active: bool = allow_active.parse().unwrap();
    let groups: Vec<Capacity> = groups.split('|').map(capacity).collect();
    let deleted: Vec<usize> = deleted.split_whitespace().map(|index| index.parse().unwrap()).collect();
    let guard = table::guard(if allow_active { 0 } else { 100 });

    let mut spare = guard.spare(groups.iter().copied());
    for index in &deleted {
        assert_eq!(spare.take(groups[*index]), groups[*index].serving, "group {index} may go");
    }
    let rest: Vec<Capacity> =
        (0..groups.len()).filter(|index| !deleted.contains(index)).map(|index| groups[index]).collect();
    if allow_active {
        let serving: u32 = rest.iter().map(|group| group.serving).sum();
        let taken: u32 = rest.iter().map(|group| spare.take(*group)).sum();
        assert_eq!(taken, serving - 1, "one instance stays, whoever asks");
    } else {
        for group in &rest {
            assert_eq!(spare.allowance(*group), 0, "what serves stays");
        }
    }
}

/// `active` or `down`, with a size in brackets or of one instance.
fn capacity(cell: &str) -> Capacity {
    let size = cell.split(['(', ' ', ')']).find_map(|word| word.parse().ok()).unwrap_or(1);
    Capacity::new(size, if cell.starts_with("active") { size } else { 0 })
}
