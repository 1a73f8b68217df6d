//! The example of a release does what it says.

use std::process::Command;

#[test]
fn three_tiers_are_released_in_order_and_taken_back() {
    let output = Command::new(env!("CARGO_BIN_EXE_release")).output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{out}{}", String::from_utf8_lossy(&output.stderr));

    let (good, bad) = out.split_once("release r8").unwrap();
    let at = |text: &str, line: &str| text.find(line).unwrap_or_else(|| panic!("no `{line}` in {text}"));
    assert!(at(good, "group db is done") < at(good, "group api begins"), "{good}");
    assert!(at(good, "group search is done") < at(good, "group web-eu begins"), "{good}");
    assert!(at(bad, "group web-us is rolled back") < at(bad, "group api goes back"), "{bad}");
    assert!(at(bad, "group api is rolled back") < at(bad, "group db goes back"), "{bad}");
}
