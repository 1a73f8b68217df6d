//! The quickstart does what it claims, the same every time, and quickly.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::process::{Command, Output};

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_quickstart")).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The part of the output that is about one act.
fn act(text: &str, number: u32) -> &str {
    let from = text.split(&format!("\n== {number}. ")).nth(1).unwrap();
    from.split("\n== ").next().unwrap()
}

#[test]
fn every_act_ends_as_it_claims() {
    let output = run(&[]);
    let out = text(&output.stdout);
    assert!(output.status.success(), "{out}{}", text(&output.stderr));

    let safe = "at most 38 existed (limit 38), never fewer than 30 available (limit 30)";
    for number in 1..=4 {
        let act = act(&out, number);
        for line in
            ["lint: nothing to complain about in 120 steps", safe, "launched twice 0, requests lost 0"]
        {
            assert!(act.contains(line), "{line}\n{act}");
        }
    }
    let good = act(&out, 1);
    assert!(good.contains("plan ") && good.contains(" of rollout deploy-2 on fleet web"), "{good}");
    assert!(good.contains("waiting: 22 for room (max_surge), 8 "), "{good}");
    assert!(good.contains("outcome: completed"), "{good}");
    assert!(
        good.contains("2222222222 2222222222 2222222222  available 30 (>= 30)  exist 30 (<= 38)"),
        "{good}"
    );

    let rolled_back = "outcome: rolled back: 8 instances failed, 3 are tolerated";
    let deaf = act(&out, 2);
    assert!(deaf.contains(rolled_back) && deaf.contains("BROKEN 8, not ready within"), "{deaf}");
    let short_lived = act(&out, 3);
    assert!(short_lived.contains(rolled_back) && short_lived.contains("BROKEN 8, stopped: exit code 1"));
    assert!(!short_lived.contains("available 31"), "{short_lived}");

    let killed = act(&out, 4);
    assert!(killed.contains("KILLED controller-1 after 0.0 s, with 8 launches under way"), "{killed}");
    assert!(killed.contains("KILLED controller-2 "), "{killed}");
    assert!(
        killed.contains("outcome: completed") && killed.contains("launched 30, asked again and recognised ")
    );
}

#[test]
fn the_same_output_every_time() {
    let first = text(&run(&[]).stdout);
    assert!(!first.contains('\u{1b}'), "escape sequences are for terminals");
    assert_eq!(text(&run(&["--fast"]).stdout), first);
}

#[test]
fn an_unknown_argument_is_refused() {
    let output = run(&["--slow"]);
    assert!(!output.status.success());
    assert!(text(&output.stderr).contains("unknown argument `--slow`"));
}
