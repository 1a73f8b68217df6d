//! The journal protocol, exhaustively: several controllers on one rollout, on a platform that executes what it was told
//! late, twice or never, with every order of events. What controllers record and decide is the library's own code
//! ([`Fold`](immutable_core::journal::Fold)), so what is checked is what runs.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]
#![allow(clippy::disallowed_methods, reason = "tests measure real time, for whoever reads the log")]
#![allow(
    clippy::disallowed_types,
    reason = "millions of worlds are looked up, and their order is that of the search"
)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "figures for whoever reads the log")]

mod event;
mod platform;
mod search;
mod setting;
mod view;
mod world;
mod writer;

use std::time::Instant;

use search::Search;
use setting::{Faults, Setting, Weakness};

/// How many distinct worlds a run on demand visits at least (`cargo xtask model`).
const ON_DEMAND: usize = 10_000_000;

fn explore(what: &str, settings: impl IntoIterator<Item = Setting>, at_most: usize) -> usize {
    let began = Instant::now();
    let mut worlds = 0;
    for setting in settings {
        let search = Search::run(&setting, at_most);
        if let Some(violation) = search.violation() {
            panic!("{setting}: {violation}");
        }
        eprintln!("  {setting}: {search}");
        worlds += search.worlds();
    }
    eprintln!("{what}: {worlds} distinct worlds in {:.1?}", began.elapsed());
    worlds
}

#[test]
fn two_controllers_and_a_late_platform_break_nothing_and_always_come_to_an_end() {
    let settings = Setting::sizes(2).map(|setting| Setting { writers: 2, ..setting });
    explore("two controllers", settings, usize::MAX);
}

#[test]
fn nor_do_three_that_look_into_the_past_while_launches_fail_and_machines_break() {
    let one_of_each = Faults { refused: 1, broken: 1, vanished: 1, unready: 1, slow: 1, controls: 1 };
    for (fault, faults) in one_of_each.one_by_one() {
        let settings = Setting::sizes(2).filter(|setting| setting.canaries == 0);
        // Surge and slack together have ten times as many worlds: a run on demand has them all.
        let small = settings.filter(|setting| setting.is_one_by_one() || matches!(fault, "refused" | "slow"));
        explore(fault, small.map(|setting| Setting { writers: 3, faults, ..setting }), usize::MAX);
    }
}

/// A check that finds nothing is worth only as much as what it would find: each of these simplifications of the protocol
/// looks natural, and each is found out.
#[test]
fn every_natural_simplification_of_the_protocol_is_found_out() {
    for weakness in Weakness::ALL {
        let found = weakness.settings().find_map(|setting| {
            let search = Search::run(&setting, 2_000_000);
            search.violation().map(|violation| format!("{setting}: {violation}"))
        });
        let found = found.unwrap_or_else(|| panic!("{weakness:?} breaks nothing that this model looks at"));
        eprintln!("{weakness:?}: {found}\n");
    }
}

#[test]
#[ignore = "minutes: `cargo xtask model`"]
fn ten_million_worlds() {
    let worlds = explore("on demand", Setting::large(), usize::MAX);
    assert!(worlds >= ON_DEMAND, "fewer than {ON_DEMAND}");
}
