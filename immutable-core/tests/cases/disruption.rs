//! Karpenter's disruption budgets: how many nodes may be taken away now.

use immutable_core::Quantity;
use immutable_core::limits::Limits;

use crate::table::{Answers, Row, Table};
use crate::world::{Group, World, quantity};

pub(crate) const TABLES: &[Table] = &[
    Table { name: "karpenter_budget_accounting", ask: accounting },
    Table { name: "karpenter_budgets", ask: budgets },
];

/// How many are told to leave. With a surge that is never used up, because the new ones of this question do not count:
/// what is asked for is the number that may be missing.
fn accounting(row: &Row) -> Answers {
    let limits = Limits {
        max_surge: Quantity::Count(1),
        max_unavailable: quantity(row.text("budget")),
        ..Limits::default()
    };
    let (managed, deleting) =
        (row.number("managed_initialized"), row.maybe("deleting_or_marked").unwrap_or(0));
    let group = Group {
        unready: row.number("not_ready"),
        stopping: deleting,
        launching: u32::from(row.text("extra_nodes") == "1 uninitialized"),
        ..Group::ready("old", managed - deleting - row.number("not_ready"))
    };
    // One that never served is not part of the question.
    let world = World::new(managed, limits, "new").with(std::slice::from_ref(&group));
    Answers::new(
        row.text("expect_allowed_now"),
        world.answer(|first| (first.left("old") - group.launching).to_string()),
    )
}

/// One budget of a row: how many nodes, whether it is active at the time of the row, and for which reasons.
#[derive(Debug)]
struct Budget {
    name: String,
    nodes: Quantity,
    active: bool,
    reasons: &'static [&'static str],
}

/// Reads `B0:10 always … ; B1:… but B3 and B4 @yearly`. Only `always` is active at the time of the table; when a schedule
/// is active is asked elsewhere.
fn parse(text: &str) -> Vec<Budget> {
    let text = if text == "B0 only" { "B0:10 always" } else { text };
    let (list, but) = text.split_once(" but ").unwrap_or((text, ""));
    let budget = |entry: &str| {
        let (name, entry) = entry.split_once(':').unwrap_or(("", entry));
        let (nodes, rest) = entry.split_once(' ').unwrap();
        let reasons: &[_] = match rest.rsplit_once(' ').map_or(rest, |(_, last)| last) {
            "drifted+underutilized" => &["Drifted", "Underutilized"],
            "drifted" => &["Drifted"],
            "empty" => &["Empty"],
            _ => &["Drifted", "Underutilized", "Empty"],
        };
        let exception = !name.is_empty() && but.split(' ').any(|word| word == name);
        let active = if exception { but.contains("always") } else { rest.contains("always") };
        Budget { name: name.to_owned(), nodes: quantity(nodes), active, reasons }
    };
    list.split("; ").filter(|entry| !entry.starts_with("all six")).map(budget).collect()
}

/// How many of the nodes leave at first under the tightest of the budgets that hold, or under the default limits where none
/// does. One more node than wanted may exist, because a budget of no node at all would otherwise be refused.
fn budgets(row: &Row) -> Answers {
    let nodes = row.number("nodes");
    let reason = row.text("reason");
    let limits =
        |max_unavailable| Limits { max_surge: Quantity::Count(1), max_unavailable, ..Limits::default() };
    let leave = |limits: Limits| {
        let world = World::new(nodes, limits, "new").with(&[Group::ready("old", nodes)]);
        world.first().left("old")
    };
    let holds = |budget: &Budget| budget.active && (reason.is_empty() || budget.reasons.contains(&reason));
    let held: Vec<Budget> = parse(row.text("budgets")).into_iter().filter(holds).collect();
    let tightest = held.iter().map(|budget| (leave(limits(budget.nodes)), &budget.name)).min();
    let none = || leave(Limits { max_surge: Quantity::Count(1), ..Limits::default() });
    Answers::new(row.text("expect_allowed"), tightest.map_or_else(none, |(allowed, _)| allowed))
}
