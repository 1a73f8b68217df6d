//! No row is dropped, and no difference is stated that is none.

use std::collections::BTreeMap;

use libtest_mimic::{Failed, Trial};

use crate::table::{DIFFERENCES, folder, read};

/// Tables that another test target runs: the folder of its sources beside this one, and their names.
const ELSEWHERE: &[(&str, &[&str])] = &[
    ("calendar_cases", &["karpenter_windows", "spinnaker_execution_windows", "spinnaker_window_jitter"]),
    (
        "group_cases",
        &[
            "spinnaker_rollback_health_pct",
            "spinnaker_shrink_cluster",
            "spinnaker_target_healthy_deploy_percentage",
            "spinnaker_traffic_guard",
        ],
    ),
    (
        "strategy_cases",
        &[
            "argo_abort_weight",
            "argo_bluegreen_preview",
            "argo_canary_counts",
            "argo_dynamic_stable_scale",
            "argo_weighted_split",
            "flagger_weights",
            "kamal_boot_limit",
        ],
    ),
];

/// Files of the folder that are no table of a peer.
const OWN: &[&str] = &["INDEX", "differences"];

pub(crate) fn trials(trials: &[Trial]) -> Vec<Trial> {
    let mut made: BTreeMap<String, usize> = BTreeMap::new();
    for trial in trials {
        let (table, _) = trial.name().split_once("::").unwrap();
        *made.entry(table.to_owned()).or_default() += 1;
    }
    let ledger = [
        Trial::test("ledger::every_row_of_every_table_is_one_trial", move || every_row(&made)),
        Trial::test("ledger::every_table_of_the_index_is_here_and_explained", every_table),
        Trial::test("ledger::every_difference_is_of_a_row_and_gives_a_reason", every_difference),
        Trial::test("ledger::every_table_elsewhere_is_run", tables_elsewhere),
    ];
    ledger.into()
}

/// The target that runs a table, if it is another one.
fn elsewhere(table: &str) -> Option<&'static str> {
    ELSEWHERE.iter().find(|(_, tables)| tables.contains(&table)).map(|(target, _)| *target)
}

/// The tables that lie in the folder.
fn tables() -> Result<Vec<String>, Failed> {
    let mut tables = Vec::new();
    for file in std::fs::read_dir(folder())? {
        let path = file?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        if path.extension().is_some_and(|extension| extension == "csv") && !OWN.contains(&stem) {
            tables.push(stem.to_owned());
        }
    }
    tables.sort();
    Ok(tables)
}

fn every_row(made: &BTreeMap<String, usize>) -> Result<(), Failed> {
    let here = tables()?.into_iter().filter(|table| elsewhere(table).is_none());
    let rows: BTreeMap<String, usize> =
        here.map(|table| (table.clone(), read(&folder().join(format!("{table}.csv"))).len())).collect();
    if rows == *made { Ok(()) } else { Err(format!("the rows are {rows:?}, the trials {made:?}").into()) }
}

fn every_table() -> Result<(), Failed> {
    let index = read(&folder().join("INDEX.csv"));
    let mut indexed: Vec<&str> = index.iter().map(|row| row.text("file").trim_end_matches(".csv")).collect();
    indexed.sort_unstable();
    if indexed != tables()? {
        return Err(format!("the folder and its index differ: {:?} and {indexed:?}", tables()?).into());
    }
    let explained = std::fs::read_to_string(folder().join("../../../docs/peer-cases.md"))?;
    for table in indexed {
        let begin = format!("| `{table}.csv` | `{}`", elsewhere(table).unwrap_or("cases"));
        let differ = DIFFERENCES.keys().filter(|(name, _)| name == table).count();
        let end = match differ {
            _ if elsewhere(table).is_some() => "|".to_owned(),
            0 => "| |".to_owned(),
            some => format!("| {some} of {} |", read(&folder().join(format!("{table}.csv"))).len()),
        };
        if !explained.lines().any(|line| line.starts_with(&begin) && line.ends_with(&end)) {
            return Err(format!("docs/peer-cases.md has no line `{begin}… {end}`").into());
        }
    }
    Ok(())
}

fn every_difference() -> Result<(), Failed> {
    for ((table, number), difference) in DIFFERENCES.iter() {
        let rows = read(&folder().join(format!("{table}.csv")));
        if *number == 0 || *number > rows.len() || difference.why.is_empty() {
            return Err(format!("{table} has no row {number}, or the difference no reason").into());
        }
    }
    Ok(())
}

/// Every table of another target is named in the sources of that target.
fn tables_elsewhere() -> Result<(), Failed> {
    let mut missed: Vec<String> = Vec::new();
    for (target, tables) in ELSEWHERE {
        let sources = std::fs::read_dir(folder().join("..").join(target)).into_iter().flatten();
        let mut text = String::new();
        for source in sources {
            let path = source?.path();
            if path.extension().is_some_and(|extension| extension == "rs") {
                text.push_str(&std::fs::read_to_string(path)?);
            }
        }
        let missing = tables.iter().filter(|table| !text.contains(&format!("{table}.csv")));
        missed.extend(missing.map(|table| format!("{table} is not run by {target}")));
    }
    if missed.is_empty() { Ok(()) } else { Err(missed.join("\n").into()) }
}
