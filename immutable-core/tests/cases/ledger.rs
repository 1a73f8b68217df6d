//! No row is dropped, and no difference is stated that is none.

use std::collections::BTreeMap;

use libtest_mimic::{Failed, Trial};

use crate::table::{DIFFERENCES, PENDING, folder, read};

/// Tables that another test target of this folder's parent runs.
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
    let counted = made.clone();
    vec![
        Trial::test("ledger::every_row_of_every_table_is_one_trial", move || every_row(&counted)),
        Trial::test("ledger::every_table_of_the_index_is_run_and_explained", move || every_table(&made)),
        Trial::test("ledger::every_difference_is_of_a_row_and_gives_a_reason", every_difference),
        Trial::test("ledger::nothing_is_pending", nothing_pending),
    ]
}

fn every_row(made: &BTreeMap<String, usize>) -> Result<(), Failed> {
    let mut rows = BTreeMap::new();
    for file in std::fs::read_dir(folder())? {
        let path = file?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
        if path.extension().is_some_and(|extension| extension == "csv") && !OWN.contains(&stem.as_str()) {
            rows.insert(stem, read(&path).len());
        }
    }
    if rows == *made { Ok(()) } else { Err(format!("the rows are {rows:?}, the trials {made:?}").into()) }
}

fn every_table(made: &BTreeMap<String, usize>) -> Result<(), Failed> {
    let explained = folder().join("../../../docs/peer-cases.md");
    let explained = std::fs::read_to_string(explained)?;
    let mut missing = Vec::new();
    for row in read(&folder().join("INDEX.csv")) {
        let file = row.text("file");
        let table = file.trim_end_matches(".csv");
        let target = ELSEWHERE.iter().find(|(_, tables)| tables.contains(&table)).map(|(target, _)| *target);
        if made.contains_key(table) == target.is_some() {
            missing.push(format!("{file} must be run by this target or by another one"));
        }
        let target = target.unwrap_or("cases");
        if !explained.lines().any(|line| line.contains(&format!("`{file}`")) && line.contains(&format!("`{target}`"))) {
            missing.push(format!("docs/peer-cases.md does not say what `{target}` makes of `{file}`"));
        }
    }
    if missing.is_empty() { Ok(()) } else { Err(missing.join("\n").into()) }
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

fn nothing_pending() -> Result<(), Failed> {
    if PENDING.is_empty() { Ok(()) } else { Err(format!("{PENDING:#?}").into()) }
}
