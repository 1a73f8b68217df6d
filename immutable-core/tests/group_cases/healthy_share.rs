//! How many of so many desired instances are a percentage of them? Spinnaker rounds to the nearest, half up; ours, a floor,
//! rounds up, because a floor that rounds down is lower than what was asked for.

use libtest_mimic::Trial;

use crate::table;

/// Rows in which the nearest number is below the percentage: percent, healthy, desired.
const OURS_IS_STRICTER: [[&str; 3]; 2] = [
    // 9.1 of 10: nine are only 90 %.
    ["91", "9", "10"],
    // 8.1 of 9: eight are only 88.9 %.
    ["90", "8", "9"],
];

pub(crate) fn trials() -> Vec<Trial> {
    let text = include_str!("../cases/spinnaker_target_healthy_deploy_percentage.csv");
    let name = |row: &[String]| format!("{}% with {} of {}", row[0], row[1], row[2]);
    table::trials("healthy_share", text, 10, name, check)
}

fn check(row: &[String]) {
    let [percent, healthy, desired, expected] = row else { panic!("{row:?}") };
    let expected: bool = expected.parse().unwrap();
    let is_stricter = OURS_IS_STRICTER.contains(&[percent, healthy, desired]);
    let least = table::guard(percent.parse().unwrap()).min_serving(desired.parse().unwrap());
    assert_eq!(healthy.parse::<u64>().unwrap() >= least, expected && !is_stricter);
    assert!(expected || !is_stricter, "a row on which both agree is listed as different");
}
