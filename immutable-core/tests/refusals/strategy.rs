//! Strategies that cannot do their work within the limits, or at all.

use immutable_core::plan::Plan;
use immutable_core::planner::PlanError;
use immutable_core::strategy::{
    RolloutStrategy, Share, StandardStrategy, StrategyContext, StrategyError, Waves,
};

use crate::source::files;
use crate::table::{Row, assert_all_sentences, assert_golden, text};
use crate::world::{count, fleet, limits, of};

fn read(file: &str) -> StandardStrategy {
    toml::from_str(file).unwrap_or_else(|error| panic!("{file}: {error}"))
}

type Numbers = (u32, u32, u32);

/// What comes of so many instances, so many more and so many fewer.
fn planned((desired, surge, unavailable): Numbers, file: &str) -> Result<Plan, StrategyError> {
    let request = of(desired).limits(limits(count(surge), count(unavailable)));
    request.plan(&fleet(desired), &read(file)).map_err(|error| match error {
        PlanError::Strategy { source, .. } => source,
        other => panic!("{file}: {other}"),
    })
}

/// What is said, and that it is the nearest choice where it names a surge: with that it is planned, and with one less
/// it is not.
fn refused(numbers: Numbers, file: &str) -> Row {
    let error = planned(numbers, file).unwrap_err();
    let (desired, _, unavailable) = numbers;
    if let Some((_, rest)) = error.reason.split_once("raise max_surge to ") {
        let surge: u32 = rest.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap();
        assert!(planned((desired, surge, unavailable), file).is_ok(), "{file}: {error}");
        assert!(planned((desired, surge - 1, unavailable), file).is_err(), "{file}: {error}");
    }
    Row::new(&error)
}

#[test]
fn every_sentence_about_a_strategy() {
    let one_more = (10, 1, 0);
    let rows = [
        (one_more, "kind = 'blue_green'"),
        ((10, 10, 0), "kind = 'blue_green'\npreview = 0"),
        (one_more, "kind = 'rolling_blue_green'"),
        ((10, 10, 0), "kind = 'rolling_blue_green'\nsteps = []"),
        ((10, 10, 0), "kind = 'rolling_blue_green'\nsteps = [100, 100]"),
        ((10, 10, 0), "kind = 'rolling_blue_green'\nsteps = [20, 20]"),
        ((10, 10, 0), "kind = 'rolling_blue_green'\nsteps = [0, 20]"),
        ((10, 0, 9), "kind = 'recreate'"),
        (one_more, "kind = 'canary'\nsteps = []"),
        (one_more, "kind = 'canary'\nsteps = [{ size = 0 }]"),
        (one_more, "kind = 'canary'\nsteps = [{ size = '0%' }]"),
        (one_more, "kind = 'canary'\nsteps = [{ size = '101%' }]"),
        (one_more, "kind = 'canary'\nsteps = [{ size = 3 }, { size = 3 }]"),
        (one_more, "kind = 'canary'\nsteps = [{ size = '50%' }, { size = '20%' }]"),
        (one_more, "kind = 'canary'\nsteps = [{ size = 5 }, { size = '20%' }]"),
        (one_more, "kind = 'canary'\nsteps = [{ size = '100%' }, { size = 10 }]"),
        (one_more, "kind = 'canary'\nsteps = [{ size = 1, share = 5 }, { size = 5 }]"),
        (one_more, "kind = 'canary'\nsteps = [{ size = 1, share = 10 }, { size = 2, share = 5 }]"),
        (one_more, "kind = 'canary'\nsteps = [{ size = 1, share = 25 }]"),
        (one_more, "kind = 'canary'\nsteps = [{ size = 4, share = 5 }]"),
        ((1_000, 5, 0), "kind = 'canary'\nsteps = [{ size = '10%', share = 10 }]"),
        (one_more, "kind = 'canary'\nbeside_all = true\nsteps = [{ size = 3 }]"),
        ((10, 0, 1), "kind = 'canary'\nbeside_all = true\nsteps = [{ size = 3 }]"),
        (one_more, "kind = 'canary'\nsteps = [{ size = 6, baseline = true }]"),
        ((1, 0, 1), "kind = 'canary'\nsteps = [{ size = 1, baseline = true }]"),
        (one_more, "kind = 'canary'\nsteps = [{ size = 2, share = 10, baseline = true }]"),
        (one_more, "kind = 'canary'\nsteps = [{ size = 1, approval = 'go' }, { size = 2, approval = 'go' }]"),
        (one_more, "kind = 'waves'\npattern = { geometric = { first = 1, factor = 1 } }"),
        (one_more, "kind = 'waves'\npattern = { geometric = { first = '0%', factor = 3 } }"),
        (one_more, "kind = 'waves'\npattern = { sizes = [] }"),
        (one_more, "kind = 'rotate'\nmax_age = '0s'"),
        (one_more, "kind = 'rotate'\nspread = '51%'"),
        (one_more, "kind = 'rotate'\nspread = 3"),
    ];
    let mut rows: Vec<Row> = rows.into_iter().map(|(fleet, file)| refused(fleet, file)).collect();
    // The planner refuses a rollout without zones itself.
    let nowhere = StrategyContext::new(limits(count(1), count(0)).budget(10).unwrap());
    rows.push(Row::new(&Waves::zone_by_zone().stages(&nowhere).unwrap_err()));
    rows.push(Row::new(&Share::new(101).unwrap_err()));
    assert_all_sentences(&rows, &files("strategy"));
    assert_golden!("strategies", text(&rows));
}

/// What does not even fit the form of a strategy.
#[test]
fn files_that_are_no_strategies() {
    let rows = [
        "bake = '5m'",
        "kind = 'red_black'",
        "kind = 'rolling'\nbakes = '5m'",
        "kind = 'rolling'\nbake = 5",
        "kind = 'rolling'\nbake = '5'",
        "kind = 'rolling'\nbake = '-5m'",
        "kind = 'rolling'\nstart_approval = 'Go!'",
        "kind = 'rolling'\norder = 'up'",
        "kind = 'canary'\nsteps = [{ size = '5' }]",
        "kind = 'canary'\nsteps = [{ size = -1 }]",
        "kind = 'canary'\nsteps = [{ size = 0.5 }]",
        "kind = 'canary'\nsteps = [{ size = 1, share = 101 }]",
        "kind = 'canary'\nsteps = [{ size = 1, share = 300 }]",
        "kind = 'canary'\nsteps = [{ size = 1, share = '5%' }]",
        "kind = 'waves'\npattern = 'doubling'",
    ];
    let refused = |file: &str| {
        let error = toml::from_str::<StandardStrategy>(file).unwrap_err();
        format!("{file}\n    {}\n", error.message())
    };
    assert_golden!("strategy_files", rows.map(refused).concat());
}
