//! Whole rollouts, each as a script that a person can read (`scripts/`) and as the log of every decision that came of it
//! (`golden/`). `cargo test --test scenarios poison` runs those with the word in their name; a change of behaviour shows
//! up as a difference to judge, and `INSTA_UPDATE=always` writes the logs anew.
//!
//! A world without I/O feeds the journal's fold with the records that a controller would write; the limits are checked
//! after every record by a ledger that shares no arithmetic with the planner.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]
#![allow(clippy::disallowed_methods, reason = "the scripts are read from files")]

mod coverage;
mod ledger;
mod look;
mod machine;
mod pains;
mod run;
mod script;
mod story;
mod world;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

use script::Script;

fn golden(name: &str) {
    let script = Script::read(name);
    insta::with_settings!({
        snapshot_path => "golden",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, { insta::assert_snapshot!(name.to_owned(), run::story(&script)) });
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let scenario = |name: String| {
        Trial::test(name.clone(), move || {
            golden(&name);
            Ok(())
        })
    };
    let mut trials: Vec<Trial> = script::names().into_iter().map(scenario).collect();
    trials.extend(pains::trials());
    trials.extend(coverage::trials());
    libtest_mimic::run(&arguments, trials).exit_code()
}
