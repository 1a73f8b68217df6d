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

use crate::table::{Answers, Row, Table};
use crate::traffic_guard::guard;

pub(crate) const TABLES: &[Table] = &[Table { name: "spinnaker_shrink_cluster", ask: shrink }];

/// Which of those that Spinnaker deletes may go, in its order.
fn shrink(row: &Row) -> Answers {
    let allow_active = row.flag("allow_delete_active");
    let groups: Vec<Capacity> = row.text("groups_oldest_first").split('|').map(capacity).collect();
    let deleted: Vec<&str> = row.text("expect_deleted_index").split_whitespace().collect();
    let mut rest: Vec<Option<Capacity>> = groups.iter().copied().map(Some).collect();
    let mut spare = guard(if allow_active { 0 } else { 100 }).spare(groups.iter().copied());
    let may_go = |index: &&str| {
        let group = rest[index.parse::<usize>().unwrap()].take().unwrap();
        spare.take(group) == group.serving
    };
    let gone: Vec<&str> = deleted.iter().copied().filter(may_go).collect();
    let rest = rest.into_iter().flatten();
    if allow_active {
        let (serving, taken) =
            rest.fold((0, 0), |(serving, taken), group| (serving + group.serving, taken + spare.take(group)));
        assert_eq!(taken, serving - 1, "one instance stays, whoever asks");
    } else {
        rest.for_each(|group| assert_eq!(spare.allowance(group), 0, "what serves stays"));
    }
    Answers::new(deleted.join(" "), gone.join(" "))
}

/// `active` or `down`, with a size in brackets or of one instance.
fn capacity(cell: &str) -> Capacity {
    let size = cell.split(['(', ' ', ')']).find_map(|word| word.parse().ok()).unwrap_or(1);
    Capacity::new(size, if cell.starts_with("active") { size } else { 0 })
}
