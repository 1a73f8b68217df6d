//! Karpenter's disruption budgets: how many nodes may be taken away now.

use immutable_core::limits::Limits;
use immutable_core::{Quantity, Seed, Timestamp};

use crate::table::{Answers, Row, Table};
use crate::windows::scheduled;
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

/// One budget of a row: how many nodes, when, and for which reasons.
#[derive(Debug)]
struct Budget<'a> {
    nodes: Quantity,
    /// A schedule and how long it holds from then on.
    when: (&'a str, &'a str),
    reasons: &'static [&'static str],
}

/// The six budgets that most rows begin with.
const SIX: &str = "B0:10 always; B1:100 always; B2:100% always; B3:15 always drifted+underutilized; B4:5 always drifted; \
                   B5:0 @weekly 1h";

/// Reads `B0:10 always … ; B1:… but B3 and B4 @yearly`.
fn parse<'a>(text: &'a str) -> Vec<Budget<'a>> {
    let always = ("* * * * *", "1h");
    let (list, but) = match text {
        "B0 only" => ("B0:10 always", ""),
        "all six @yearly 1h" => (SIX, "B0 B1 B2 B3 B4 B5 @yearly"),
        text => text.split_once(" but ").unwrap_or((text, "")),
    };
    let budget = |entry: &'a str| {
        let (name, entry) = entry.split_once(':').unwrap_or(("", entry));
        let (nodes, rest) = entry.split_once(' ').unwrap();
        let mut words = rest.split(' ');
        let when = match words.next().unwrap() {
            word if word.starts_with("always") => always,
            schedule => (schedule, words.next().unwrap()),
        };
        let is_exception = !name.is_empty() && but.split(' ').any(|word| word == name);
        let when = match is_exception {
            true if but.contains("always") => always,
            true => ("@yearly", "1h"),
            false => when,
        };
        let reasons: &[_] = match rest.rsplit(' ').next().unwrap() {
            "drifted+underutilized" => &["Drifted", "Underutilized"],
            "drifted" => &["Drifted"],
            "empty" => &["Empty"],
            _ => &["Drifted", "Underutilized", "Empty"],
        };
        Budget { nodes: quantity(nodes), when, reasons }
    };
    list.split("; ").map(budget).collect()
}

/// How many of the nodes leave at first under the tightest of the budgets that hold at the time, or under the default limits
/// where none does. One more node than wanted may exist, because a budget of no node at all would otherwise be refused.
///
/// Karpenter allows nothing when a schedule is wrong; here there is no calendar then, so no rollout either.
fn budgets(row: &Row) -> Answers {
    let peer = if row.flag("expect_error") { "no schedule" } else { row.text("expect_allowed") };
    let (nodes, reason) = (row.number("nodes"), row.text("reason"));
    let now: Timestamp = format!("{}Z", row.text("clock_utc")).parse().unwrap();
    let leave = |max_unavailable| {
        let limits = Limits { max_surge: Quantity::Count(1), max_unavailable, ..Limits::default() };
        World::new(nodes, limits, "new").with(&[Group::ready("old", nodes)]).first().left("old")
    };
    let mut tightest = None;
    for Budget { nodes, when: (schedule, duration), reasons } in parse(row.text("budgets")) {
        let Ok(calendar) = scheduled(schedule, duration) else { return Answers::new(peer, "no schedule") };
        if calendar.is_open(now, Seed::new(0)) && (reason.is_empty() || reasons.contains(&reason)) {
            let allowed = leave(nodes);
            tightest = Some(tightest.map_or(allowed, |least: u32| least.min(allowed)));
        }
    }
    Answers::new(peer, tightest.unwrap_or_else(|| leave(Limits::default().max_unavailable)))
}
