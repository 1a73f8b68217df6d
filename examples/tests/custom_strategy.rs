//! The example of a strategy of one's own does what it says.

use std::process::Command;

#[test]
fn a_strategy_of_ones_own_is_planned_within_the_limits() {
    let output = Command::new(env!("CARGO_BIN_EXE_custom_strategy")).output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{out}{}", String::from_utf8_lossy(&output.stderr));

    assert!(out.contains("stage 1: 2 new, 10 old, approval `pilots-are-happy`"), "{out}");
    assert!(out.contains("`pilots` is 9, but of 12 instances 1 to 6 can go first"), "{out}");
    // The reckless one is either refused or planned within the limits like any other.
    let reckless = out.split("== Reckless").nth(1).unwrap();
    assert!(reckless.contains("breaches of the limits: 0") || reckless.contains("no plan: "), "{reckless}");
    let clean = out.matches("breaches of the limits: 0").count();
    assert_eq!(clean, out.matches("breaches of the limits").count(), "{out}");
}
