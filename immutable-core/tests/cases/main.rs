//! Other systems' own test tables, run on this library: every row of every table is a case with a name.
//!
//! `cargo test --test cases fenceposts` runs one table, `cargo test --test cases -- capi_delete_order::03` one row.
//! Where the tables come from, and how to read them, is in `README.md`; what was made of each is in
//! `docs/peer-cases.md`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]
#![allow(clippy::disallowed_methods, reason = "the tables are read from files")]

mod argo;
mod aws_examples;
mod batches;
mod bosh_order;
mod catalogue;
mod delete_order;
mod disruption;
mod flagger;
mod healthy_share;
mod ledger;
mod machine_sets;
mod nomad;
mod quantities;
mod replica_sets;
mod rollback_share;
mod shrink;
mod table;
mod traffic_guard;
mod whole_rollouts;
mod windows;
mod world;

use std::process::ExitCode;

use libtest_mimic::Arguments;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let tables = [
        argo::TABLES,
        aws_examples::TABLES,
        batches::TABLES,
        bosh_order::TABLES,
        catalogue::TABLES,
        delete_order::TABLES,
        disruption::TABLES,
        flagger::TABLES,
        healthy_share::TABLES,
        machine_sets::TABLES,
        nomad::TABLES,
        quantities::TABLES,
        replica_sets::TABLES,
        rollback_share::TABLES,
        shrink::TABLES,
        traffic_guard::TABLES,
        whole_rollouts::TABLES,
        windows::TABLES,
    ]
    .concat();
    let mut trials: Vec<_> = tables.iter().flat_map(table::Table::trials).collect();
    trials.extend(ledger::trials(&trials));
    libtest_mimic::run(&arguments, trials).exit_code()
}
