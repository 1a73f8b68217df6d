//! The simulator: it repeats itself, it sees what is wrong, and the controller survives it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]
#![allow(clippy::print_stderr, reason = "figures for whoever reads the log")]

use std::time::Duration;

use immutable_core::planner::Conclusion;
use immutable_core::strategy::Rolling;
use immutable_testkit::faulty::FaultKind;
use immutable_testkit::simulation::{Campaign, Fault, Flaw, Property, Rates, Schedule, Setup, Simulation};
use serde::Deserialize;

const SECOND: Duration = Duration::from_secs(1);

fn setup(change: impl FnOnce(&mut Setup)) -> Setup {
    let mut setup = Setup::default();
    change(&mut setup);
    setup
}

#[test]
fn two_thousand_worlds_break_no_promise() {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let tallied = Campaign::of(0..2000).threads(threads).run();
    eprintln!("{tallied}");
    for report in &tallied.failures {
        eprintln!("seed {}: {}", report.seed.unwrap(), report.violation.as_ref().unwrap());
    }
    assert_eq!(tallied.broken, 0, "replay one with `cargo xtask sim --seed N`");
    assert_eq!(tallied.unmet().collect::<Vec<_>>(), [], "faults that nobody met show nothing");
    for end in ["completed", "rolled back", "failed", "aborted"] {
        assert!(tallied.ends.contains_key(end), "no rollout ended {end}: {:?}", tallied.ends);
    }
}

#[test]
fn the_same_seed_does_the_same_to_the_byte() {
    for seed in 0..40 {
        let first = Simulation::seeded(seed).traced().run();
        assert_eq!(first, Simulation::seeded(seed).traced().run(), "seed {seed}");
        assert_eq!(
            first.digest,
            Simulation::seeded(seed).run().digest,
            "seed {seed}: watching it changes it"
        );
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let sums = |threads: usize| Campaign::of(100..130).threads(threads).run().to_string();
    assert_eq!(sums(1), sums(3));
}

#[test]
fn each_kind_can_be_switched_on_alone_and_is_met() {
    for kind in FaultKind::ALL {
        let rates = Rates::none().with(kind, 300);
        let met = (0..60).any(|seed| {
            let report = Simulation::seeded_with(seed, &rates).run();
            assert!(report.violation.is_none(), "{kind}: {report}");
            assert!(report.schedule.faults().iter().all(|scheduled| scheduled.fault.kind() == kind));
            report.met.contains_key(&kind)
        });
        assert!(met, "{kind} is met in none of 60 worlds that have nothing else");
    }
}

#[test]
fn sixteen_controllers_come_to_one_end() {
    for seed in 0..20 {
        let rates = Rates::none().with(FaultKind::Rival, 400).with(FaultKind::Crash, 200);
        let world = setup(|setup| {
            setup.processes = 16;
            setup.instances = 8;
            setup.limits.min_ready = 3 * SECOND;
        });
        let faults = Schedule::draw(immutable_core::Seed::new(seed), &world, &rates);
        let report = Simulation::of(world, faults).seed(seed).run();
        assert!(report.violation.is_none(), "{report}");
        assert_eq!(report.conclusion, Some(Conclusion::Completed), "{report}");
        assert!(report.launches.values().all(|launches| *launches == 1), "{:?}", report.launches);
    }
}

#[test]
fn one_slot_that_always_fails_does_not_hold_up_the_others() {
    let world = setup(|setup| {
        setup.chaos = 500 * SECOND;
        setup.strategy = Rolling::new().into();
    });
    let curse = Fault::CursedSlot { slot: 0, for_good: false, lasts: 500 * SECOND };
    let report = Simulation::of(world, Schedule::new().fault(Duration::ZERO, curse)).traced().run();
    assert!(report.violation.is_none(), "{report}");
    let trace = report.trace.unwrap();
    assert!(trace.contains("5/6 updated"), "{trace}");
}

#[test]
fn a_bad_version_is_put_back_whatever_its_flaw() {
    for flaw in [Flaw::NeverReady, Flaw::NeverStarts, Flaw::Crashes { after: 4 * SECOND }] {
        let report = Simulation::of(setup(|setup| setup.flaw = flaw), Schedule::new()).run();
        assert!(report.violation.is_none(), "{report}");
        assert!(matches!(report.conclusion, Some(Conclusion::RolledBack { .. })), "{flaw:?}: {report}");
    }
}

#[test]
fn what_breaks_is_found_and_cut_down_to_what_breaks_it() {
    // Nothing boots within its deadline, so whatever is lost stays lost.
    let world = setup(|setup| {
        setup.boot = 90 * SECOND;
        setup.chaos = 60 * SECOND;
    });
    let noise =
        Schedule::draw(immutable_core::Seed::new(3), &world, &Rates::none().with(FaultKind::Throttling, 400));
    assert!(!noise.faults().is_empty());
    let dies = Fault::Dies { instance: 1 };
    let simulation = Simulation::of(world, noise.fault(20 * SECOND, dies.clone()));
    let violation = simulation.run().violation.expect("the last rollout cannot succeed");
    assert_eq!(violation.property, Property::Declared);
    let shrunk = simulation.shrunk();
    let left: Vec<&Fault> = shrunk.schedule().faults().iter().map(|scheduled| &scheduled.fault).collect();
    assert_eq!(left, [&dies]);
}

/// A world and its faults, as a failure prints them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    seed: u64,
    setup: Setup,
    schedule: Schedule,
}

#[test]
fn what_once_broke_stays_whole() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/regressions");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stored: Stored = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let report = Simulation::of(stored.setup, stored.schedule).seed(stored.seed).run_with_oracle();
        assert!(report.violation.is_none(), "{}: {report}", path.display());
        count += 1;
    }
    assert!(count > 0);
}
