//! No row is dropped, and no difference is stated that is none.

use std::collections::BTreeMap;

use libtest_mimic::{Failed, Trial};

use crate::table::{DIFFERENCES, folder, read};

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
    ];
    ledger.into()
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

fn rows(table: &str) -> usize {
    read(&folder().join(format!("{table}.csv"))).len()
}

fn every_row(made: &BTreeMap<String, usize>) -> Result<(), Failed> {
    let rows: BTreeMap<String, usize> =
        tables()?.into_iter().map(|table| (table.clone(), rows(&table))).collect();
    if rows == *made { Ok(()) } else { Err(format!("the rows are {rows:?}, the trials {made:?}").into()) }
}

/// The numbers of rows are written down, so that one that is lost from its table is missed.
fn every_table() -> Result<(), Failed> {
    let index = read(&folder().join("INDEX.csv"));
    let mut indexed: Vec<&str> = index.iter().map(|row| row.text("file").trim_end_matches(".csv")).collect();
    indexed.sort_unstable();
    if indexed != tables()? {
        return Err(format!("the folder and its index differ: {:?} and {indexed:?}", tables()?).into());
    }
    let explained = std::fs::read_to_string(folder().join("../../../docs/peer-cases.md"))?;
    for table in indexed {
        let begin = format!("| `{table}.csv` | {} |", rows(table));
        let end = match DIFFERENCES.keys().filter(|(name, _)| name == table).count() {
            0 => "| |".to_owned(),
            some => format!("| {some} |"),
        };
        if !explained.lines().any(|line| line.starts_with(&begin) && line.ends_with(&end)) {
            return Err(format!("docs/peer-cases.md has no line `{begin}… {end}`").into());
        }
    }
    Ok(())
}

fn every_difference() -> Result<(), Failed> {
    for ((table, number), difference) in DIFFERENCES.iter() {
        if *number == 0 || *number > rows(table) || difference.why.is_empty() {
            return Err(format!("{table} has no row {number}, or the difference no reason").into());
        }
    }
    Ok(())
}
