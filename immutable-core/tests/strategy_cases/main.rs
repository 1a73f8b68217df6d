//! Other systems' own tables about canaries, weights and second groups, asked of our strategies: every row of every table
//! is a case with a name.
//!
//! `cargo test --test strategy_cases argo_weighted_split` runs one table. A row in which this library answers differently
//! on purpose stands in `differences.csv`, with our answer and the reason.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]

mod argo;
mod batches;
mod flagger;
mod table;

use std::process::ExitCode;

use libtest_mimic::Arguments;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let tables = [argo::TABLES, batches::TABLES, flagger::TABLES].concat();
    let mut trials: Vec<_> = tables.iter().flat_map(table::Table::trials).collect();
    trials.push(table::differences_belong_to_rows(&tables));
    libtest_mimic::run(&arguments, trials).exit_code()
}
