//! Counts and percentages, and what limits make of them.

use immutable_core::Quantity;
use immutable_core::limits::{Budget, Limits, LimitsError};

use crate::table::{Answers, Row, Table};

pub(crate) const TABLES: &[Table] = &[
    Table { name: "fenceposts", ask: fenceposts },
    Table { name: "intstr_parse", ask: intstr_parse },
    Table { name: "intstr_percent", ask: intstr_percent },
    Table { name: "kops_fenceposts", ask: kops_fenceposts },
    Table { name: "max_unavailable", ask: max_unavailable },
];

/// A cell of a table: a number is a count, anything else must be a percentage.
pub(crate) fn quantity(cell: &str) -> Result<Quantity, serde_json::Error> {
    match cell.parse::<u32>() {
        Ok(_) => serde_json::from_str(cell),
        Err(_) => serde_json::from_str(&serde_json::to_string(cell)?),
    }
}

fn or_error<T: std::fmt::Debug, E>(result: Result<T, E>) -> String {
    result.map_or_else(|_| "error".to_owned(), |value| format!("{value:?}"))
}

/// How a number or a text in a file is read.
fn intstr_parse(row: &Row) -> Answers {
    let input = row.text("input");
    let json = if row.text("kind") == "int" { input.to_owned() } else { format!("\"{input}\"") };
    let value = || row.number("expect_value");
    let peer = match (row.flag("expect_error"), row.flag("expect_is_percent")) {
        (true, _) => Err(()),
        (false, true) => Ok(Quantity::Percent(value())),
        (false, false) => Ok(Quantity::Count(value())),
    };
    Answers::new(or_error(peer), or_error(serde_json::from_str::<Quantity>(&json)))
}

/// How a percentage is rounded.
fn intstr_percent(row: &Row) -> Answers {
    let input = row.text("input").trim_end_matches(" (string)");
    let rounded = input.parse::<Quantity>().map(|quantity| match row.flag("round_up") {
        true => quantity.round_up(row.number("total")),
        false => quantity.round_down(row.number("total")),
    });
    let peer = if row.flag("expect_error") { Err(()) } else { Ok(row.number("expect_value")) };
    Answers::new(or_error(peer), or_error(rounded))
}

fn resolved(budget: Result<Budget, LimitsError>) -> String {
    match budget {
        Ok(budget) => format!("surge {}, unavailable {}", budget.max_surge, budget.max_unavailable),
        Err(refused @ LimitsError::BothZero { .. }) => {
            let text = refused.to_string();
            assert!(text.contains("max_surge 0") && text.contains("max_unavailable 0"), "{text}");
            "refused".to_owned()
        }
        Err(other) => panic!("{other}"),
    }
}

/// Both limits in numbers. An empty cell is a limit that was not given, which these peers take for 0.
fn fenceposts(row: &Row) -> Answers {
    let cell = |column| match row.text(column) {
        "" => Ok(Quantity::Count(0)),
        // Numbers in quotation marks are texts without `%` in Cluster API's row.
        text if row.text("system") == "cluster-api" && !text.ends_with('%') => text.parse().map_err(|_| ()),
        text => quantity(text).map_err(|_| ()),
    };
    let ours = match (cell("max_surge"), cell("max_unavailable")) {
        (Ok(max_surge), Ok(max_unavailable)) => {
            let limits = Limits { max_surge, max_unavailable, ..Limits::default() };
            resolved(limits.budget(row.number("desired")))
        }
        _ => "error".to_owned(),
    };
    let peer =
        format!("surge {}, unavailable {}", row.number("expect_surge"), row.number("expect_unavailable"));
    Answers::new(if row.flag("expect_error") { "error" } else { &peer }, ours)
}

/// Unavailable is capped at the desired number. `Recreate`, which has no limits in Kubernetes, is everything at once
/// here; nobody asks it for a number of its own.
fn max_unavailable(row: &Row) -> Answers {
    let max_unavailable = match row.text("strategy") {
        "recreate" => Quantity::Percent(100),
        _ => quantity(row.text("max_unavailable")).unwrap(),
    };
    let limits = Limits { max_unavailable, ..Limits::default() };
    let ours = limits.budget(row.maybe("desired").unwrap_or(10)).unwrap().max_unavailable;
    Answers::new(row.text("expect_max_unavailable"), ours)
}

/// A group's limits: the one that is set, and the other one, or both, where nobody says anything.
fn kops_fenceposts(row: &Row) -> Answers {
    let instances = row.number("instances");
    let budget = |limits: Limits| resolved(limits.budget(instances));
    let other = row.text("expect_other_setting_default").strip_prefix("max_unavailable=");
    match row.text("setting") {
        // The other limit does not matter here; without one of them nothing could move.
        "max_unavailable" => {
            let max_unavailable = quantity(row.text("value")).unwrap();
            let limits = Limits { max_surge: Quantity::Count(1), max_unavailable, ..Limits::default() };
            Answers::new(row.text("expect_resolved"), limits.budget(instances).unwrap().max_unavailable)
        }
        "max_surge" => {
            let peer = format!("surge {}, unavailable {}", row.text("expect_resolved"), other.unwrap());
            let max_surge = quantity(row.text("value")).unwrap();
            Answers::new(peer, budget(Limits { max_surge, ..Limits::default() }))
        }
        _ => {
            let surge = row.text("expect_resolved").strip_prefix("max_surge=").unwrap();
            Answers::new(format!("surge {surge}, unavailable {}", other.unwrap()), budget(Limits::default()))
        }
    }
}
