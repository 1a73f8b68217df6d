//! The command `plan`: its exit codes, its two forms of a plan as golden files, and an error for every kind of bad input.

#![expect(clippy::unwrap_used, reason = "a test whose setup fails must fail")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// Set to write the golden files instead of comparing them.
const REGENERATE: &str = "UPDATE_PLANS";

const CHANGES: i32 = 2;

fn plans() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("plans")
}

fn run(fleet: &Path, rollout: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plan"));
    command.arg("--fleet").arg(fleet).arg("--rollout").arg(rollout).args(more).output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn compare(name: &str, new: &str) {
    let path = plans().join(name);
    if std::env::var_os(REGENERATE).is_some() {
        fs::write(&path, new).unwrap();
        return;
    }
    let old = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        old == new,
        "examples/plans/{name} is not what `plan` prints any more. Pipelines read it. If the change is meant, \
         `{REGENERATE}=1 cargo test --package immutable-examples --test plan` writes it anew. Now it prints\n{new}"
    );
}

fn golden(fleet: &str, rollout: &str, code: i32) {
    let (fleet, toml) = (plans().join(fleet), plans().join(format!("{rollout}.toml")));
    let text = run(&fleet, &toml, &[]);
    assert_eq!(text.status.code(), Some(code), "{}", String::from_utf8_lossy(&text.stderr));
    compare(&format!("{rollout}.plan.txt"), &out(&text));

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.json");
    let json = run(&fleet, &toml, &["--json", "--out", file.to_str().unwrap()]);
    assert_eq!(json.status.code(), Some(code));
    compare(&format!("{rollout}.plan.json"), &out(&json));
    assert_eq!(fs::read_to_string(file).unwrap(), out(&json), "the file is what is printed");

    holds_its_limits(&serde_json::from_str(&out(&json)).unwrap());
}

/// Counts the steps once more, from nothing but the output, and looks at what they wait for.
fn holds_its_limits(plan: &Value) {
    let number = |value: &Value| value.as_i64().unwrap();
    let (mut available, mut total) = (number(&plan["available"]), number(&plan["total"]));
    let mut serving: Vec<&Value> = Vec::new();
    for step in plan["steps"].as_array().unwrap() {
        match step["action"].as_str().unwrap() {
            "launch" => total += 1,
            "gone" => total -= 1,
            "available" => {
                available += 1;
                serving.push(&step["seat"]);
            }
            "retire" => available -= 1,
            other => assert!(["shift", "stage"].contains(&other), "{other}"),
        }
        assert_eq!((number(&step["available"]), number(&step["total"])), (available, total), "{step}");
        assert!(available >= number(&plan["min_available"]), "{step}");
        assert!(total <= number(&plan["max_total"]), "{step}");
        for wait in step["waits_for"].as_array().unwrap() {
            if let Some(earlier) = wait["step"].as_i64() {
                assert!(earlier < number(&step["id"]), "{step} waits for what comes later");
            }
        }
        assert!(
            step["at"] == "0s" || !step["waits_for"].as_array().unwrap().is_empty(),
            "{step} does not say what it waits for"
        );
    }
}

#[test]
fn a_canary_is_shown_with_its_steps_and_reasons() {
    golden("fleet.json", "canary", CHANGES);
}

#[test]
fn a_plan_that_cannot_finish_says_what_it_waits_for() {
    golden("protected.json", "night", CHANGES);
}

#[test]
fn nothing_to_do_is_said_and_told_by_the_exit_code() {
    golden("fleet.json", "settled", 0);
}

#[test]
fn help_is_no_change_and_wrong_options_are_an_error() {
    let plan = |args: &[&str]| Command::new(env!("CARGO_BIN_EXE_plan")).args(args).output().unwrap();
    assert_eq!(plan(&["--help"]).status.code(), Some(0));
    assert_eq!(plan(&[]).status.code(), Some(1));
    assert_eq!(plan(&["--fleet", "a", "--rollout", "b", "--fast"]).status.code(), Some(1));
}

/// The message of the error that an example with these changes ends with.
fn error(fleet: &str, rollout: &str, changes: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let copy = |name: &str| {
        let mut text = fs::read_to_string(plans().join(name)).unwrap();
        for (from, to) in changes {
            text = text.replacen(from, to, 1);
        }
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let output = run(&copy(fleet), &copy(rollout), &["--json"]);
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(output.stdout.is_empty(), "nothing that a tool could take for a plan");
    message.replace(&format!("{}{}", folder.path().display(), std::path::MAIN_SEPARATOR), "")
}

#[track_caller]
fn assert_rollout(changes: &[(&str, &str)], begins: &str, contains: &str) {
    let message = error("fleet.json", "canary.toml", changes);
    assert!(message.starts_with(&format!("error: {begins}")), "{message}");
    assert!(message.contains(contains), "{message}");
}

#[track_caller]
fn assert_fleet(changes: &[(&str, &str)], begins: &str, contains: &str) {
    // The changes are of the fleet: the rollout has none of these texts.
    assert_rollout(changes, begins, contains);
}

#[test]
fn a_missing_file_is_named() {
    let (fleet, rollout) = (plans().join("fleet.json"), plans().join("canary.toml"));
    for (fleet, rollout) in [(plans().join("none.json"), rollout), (fleet, plans().join("none.json"))] {
        let output = run(&fleet, &rollout, &[]);
        assert_eq!(output.status.code(), Some(1));
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(message.contains("none.json: cannot be read: No such file"), "{message}");
    }
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("no/plan.json");
    let rollout = plans().join("canary.toml");
    let output = run(&plans().join("fleet.json"), &rollout, &["--out", out.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("plan.json: cannot be written: "));
}

#[test]
fn an_unknown_field_is_shown_in_its_line() {
    assert_rollout(
        &[("desired = 6", "wanted = 6\ndesired = 6")],
        "canary.toml:4:1: `wanted`: unknown field `wanted`, expected one of `rollout`, `target`, `desired`",
        "\n4 | wanted = 6\n  | ^\n",
    );
    assert_rollout(
        &[("min_ready", "ready_min")],
        "canary.toml:9:1: `limits.ready_min`: unknown field `ready_min`, expected one of `max_surge`",
        "",
    );
}

#[test]
fn a_wrong_type_is_shown_in_its_line() {
    assert_rollout(
        &[("desired = 6", "desired = \"six\"")],
        "canary.toml:4:11: `desired`: invalid type: string \"six\", expected u32",
        "",
    );
    assert_rollout(
        &[("max_surge = 2", "max_surge = \"2\"")],
        "canary.toml:8:13: `limits.max_surge`: `2` is not a quantity: expected a percentage such as `25%`",
        "",
    );
    assert_rollout(
        &[("min_ready = \"20s\"", "min_ready = 20")],
        "canary.toml:9:13: `limits.min_ready`: ",
        "",
    );
    assert_rollout(
        &[("min_ready = \"20s\"", "min_ready = \"20\"")],
        "canary.toml:9:13: `limits.min_ready`: ",
        "",
    );
}

#[test]
fn a_bad_digest_or_name_is_shown_in_its_line() {
    assert_rollout(
        &[("target = \"sha256:", "target = \"md5:")],
        "canary.toml:3:10: `target`: `md5:3f53",
        "expected `sha256:` and 64 lower-case hexadecimal digits",
    );
    assert_rollout(
        &[("\"c\"]", "\"C\"]")],
        "canary.toml:5:20: `zones[2]`: `C` is not a valid zone name: expected 1 to 63 characters",
        "",
    );
    assert_rollout(
        &[("\"drifted\"", "\"odd\"")],
        "canary.toml:19:8: `marks.i-04`: unknown variant `odd`",
        "",
    );
}

#[test]
fn a_mistake_in_a_strategy_is_shown_in_its_line() {
    assert_rollout(
        &[("bake = \"10m\"", "bakes = \"10m\"")],
        "canary.toml:14:17: `strategy.steps[0].bakes`: unknown field `bakes`, expected one of `size`, `share`",
        "",
    );
    assert_rollout(
        &[("size = \"50%\"", "size = \"half\"")],
        "canary.toml:15:14: `strategy.steps[1].size`: `half` is not a quantity",
        "",
    );
    assert_rollout(
        &[("kind = \"canary\"", "kind = \"red_black\"")],
        "canary.toml:12:8: `strategy.kind`: unknown variant `red_black`, expected one of `rolling`, `blue_green`",
        "",
    );
    assert_rollout(&[("kind = \"canary\"", "")], "canary.toml:11:1: `strategy`: missing field `kind`", "");
    // Wherever `kind` stands.
    assert_rollout(
        &[("kind = \"canary\"\n", ""), ("]\n\n[marks]", "]\nbakes = \"1m\"\nkind = \"canary\"\n\n[marks]")],
        "canary.toml:16:9: `strategy.bakes`: unknown field `bakes`",
        "",
    );
}

#[test]
fn a_mistake_in_a_calendar_names_its_field() {
    let night = |changes: &[(&str, &str)]| error("fleet.json", "night.toml", changes);
    let message = night(&[("Europe/Berlin", "Europe/Berlln")]);
    assert!(
        message.starts_with("error: night.toml:17:1: `calendar`: time_zone: `Europe/Berlln`"),
        "{message}"
    );
    assert!(message.contains("did you mean `Europe/Berlin`?"), "{message}");
    let message = night(&[("\"22:00\"", "\"10 pm\"")]);
    assert!(message.contains("`calendar.windows[0].weekly.from`: `10 pm` is not a time of day"), "{message}");
}

#[test]
fn text_that_is_no_toml_or_no_json_is_shown_in_its_line() {
    assert_rollout(&[("desired = 6", "desired = = 6")], "canary.toml:4:11: ", "");
    assert_rollout(&[("desired = 6", "desired = 6\ndesired = 7")], "canary.toml:5:1: ", "duplicate key");
    assert_fleet(&[("\"fleet\": ", "\"fleet\" ")], "fleet.json:2:11: ", "expected `:`");
    assert_fleet(&[("  ]\n}\n", "  ]\n} }\n")], "fleet.json:13:3: trailing characters", "");
}

#[test]
fn limits_that_contradict_each_other_are_shown_where_they_stand() {
    assert_rollout(
        &[("max_surge = 2", "max_surge = 0")],
        "canary.toml:8:1: `limits.max_surge`: the limits of rollout deploy-42 cannot be kept: max_surge 0 and \
         max_unavailable 0 are both 0 of 6 instances",
        "raise one of them, to 1 at least",
    );
    assert_rollout(
        &[("min_ready = \"20s\"", "progress_deadline = \"1m\"")],
        "canary.toml:9:1: `limits.progress_deadline`: ",
        "progress_deadline 60s is not longer than healthy_deadline 300s",
    );
    assert_rollout(
        &[("[limits]", "[limits]\nmax_versions = 0")],
        "canary.toml:8:1: `limits.max_versions`: ",
        "",
    );
}

#[test]
fn a_strategy_that_does_not_fit_the_limits_is_shown_where_it_stands() {
    let steps = "steps = [\n    { size = 1, bake = \"10m\", checks = [\"error-rate\"] },\n    \
                 { size = \"50%\", bake = \"30m\", approval = \"go-on\" },\n]\n";
    assert_rollout(
        &[("kind = \"canary\"", "kind = \"blue_green\""), (steps, "")],
        "canary.toml:11:2: `strategy`: the strategy of rollout deploy-42 cannot be used",
        "max_surge is 2, but a complete second group of 6 instances stands beside the old one: raise max_surge to 6",
    );
}

#[test]
fn a_request_that_cannot_be_planned_is_shown_where_it_stands() {
    assert_rollout(
        &[("zones = [\"a\", \"b\", \"c\"]", "zones = []")],
        "canary.toml:5:1: `zones`: ",
        "names no zone",
    );
    let revoked =
        "revoked = [\"sha256:3f53cb3dddb3fd21d6e1571e6deae4a5d8e07b6a5ffd1d8e5d1a2b3c4d5e6f70\"]\n\n[limits]";
    assert_rollout(&[("[limits]", revoked)], "canary.toml:3:1: `target`: ", "which was revoked");
    assert_rollout(
        &[("\"c\"]", "\"a\"]")],
        "canary.toml:5:20: `zones[2]`: rollout deploy-42 names zone a more than once",
        "name each once in `zones`",
    );
    assert_rollout(
        &[("[marks]\ni-04", "[marks]\ni-44")],
        "canary.toml:19:1: `marks.i-44`: rollout deploy-42 marks instance i-44, but fleet ",
        "take it out of `marks`",
    );
    assert_rollout(
        &[
            ("max_surge = 2", "max_surge = 2\nmax_unavailable = 1\nmax_surge_per_zone = 0"),
            ("kind = \"canary\"", "kind = \"canary\"\nbeside_all = true"),
            ("size = \"50%\"", "size = 2"),
        ],
        "canary.toml:10:1: `limits.max_surge_per_zone`: rollout deploy-42 would never finish",
        "max_surge_per_zone 1 instead of 0",
    );
    assert_rollout(
        &[
            (
                "max_surge = 2",
                "max_surge = 2\nrollback = { max_surge = 1, max_unavailable = 0 }\nmax_unavailable = \"100%\"",
            ),
            ("kind = \"canary\"", "kind = \"recreate\""),
            (
                "steps = [\n    { size = 1, bake = \"10m\", checks = [\"error-rate\"] },\n    { size = \"50%\", bake = \"30m\", approval = \"go-on\" },\n]\n",
                "",
            ),
        ],
        "canary.toml:9:1: `limits.rollback`: rollout deploy-42 could not go back from stage 2",
        "relax that for the way back",
    );
    let previous =
        "previous = \"sha256:3f53cb3dddb3fd21d6e1571e6deae4a5d8e07b6a5ffd1d8e5d1a2b3c4d5e6f70\"\n\n[limits]";
    assert_rollout(&[("[limits]", previous)], "canary.toml:7:1: `previous`: ", "its own target");
}

#[test]
fn a_mistake_in_a_fleet_is_shown_in_its_line() {
    assert_fleet(
        &[("i-02", "i-01")],
        "fleet.json:7:5: `instances[1]`: instance `i-01` is listed twice: expected every identifier once",
        "",
    );
    assert_fleet(
        &[("sha256:2c", "sha256:2C")],
        "fleet.json:6:29: `instances[0].image`: `sha256:2C26",
        "64 lower-case hexadecimal digits",
    );
    assert_fleet(
        &[("\"zone\": \"a\"", "\"place\": \"a\"")],
        "fleet.json:6:113: `instances[0].place`: unknown field `place`, expected one of `id`, `image`, `zone`",
        "",
    );
    assert_fleet(&[("\"zone\": \"a\", ", "")], "fleet.json:6:5: `instances[0]`: missing field `zone`", "");
    assert_fleet(
        &[("\"ready\"", "\"fine\"")],
        "fleet.json:6:",
        "`instances[0].phase.running`: unknown variant `fine`",
    );
    assert_fleet(
        &[("\"revision\": 7", "\"revision\": -7")],
        "fleet.json:4:15: `revision`: invalid value: integer `-7`, expected u64",
        "",
    );
    assert_fleet(&[("  \"revision\": 7,\n", "")], "fleet.json:1:1: missing field `revision`", "");
}

fn run_release(file: &Path, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_plan")).arg("--release").arg(file).args(more).output().unwrap()
}

#[test]
fn a_release_is_shown_with_its_order_and_times() {
    let file = plans().join("release.toml");
    let text = run_release(&file, &[]);
    assert_eq!(text.status.code(), Some(CHANGES), "{}", String::from_utf8_lossy(&text.stderr));
    compare("release.plan.txt", &out(&text));
    let json = run_release(&file, &["--json"]);
    compare("release.plan.json", &out(&json));
    let plan: Value = serde_json::from_str(&out(&json)).unwrap();
    let groups = plan["groups"].as_array().unwrap();
    let names: Vec<&str> = groups.iter().map(|group| group["fleet"].as_str().unwrap()).collect();
    assert_eq!(names, ["db", "web-eu", "web-us"]);
    assert_eq!(plan["barriers"][0]["passed"], groups[0]["end"]);
    assert_eq!(groups[1]["begin"], groups[0]["end"], "the web servers begin when the databases are done");
}

/// What is said about the release with these changes.
fn release_error(changes: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut text = fs::read_to_string(plans().join("release.toml")).unwrap();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    let inner = folder.path().join("release");
    fs::create_dir(&inner).unwrap();
    for entry in fs::read_dir(plans().join("release")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), inner.join(entry.file_name())).unwrap();
    }
    let file = folder.path().join("release.toml");
    fs::write(&file, text).unwrap();
    let output = run_release(&file, &[]);
    assert_eq!(output.status.code(), Some(1), "{}", out(&output));
    let error = String::from_utf8(output.stderr).unwrap();
    error.replace(&format!("{}/", folder.path().display()), "")
}

#[test]
fn a_release_that_contradicts_itself_is_shown_where_it_does() {
    for (change, expected) in [
        (
            ("after = [\"databases\"]", "after = [\"database\"]"),
            "error: release.toml:24:10: `groups[1].after[0]`: `after` of group `web-eu` names `database`, which is no barrier",
        ),
        (
            ("before = [\"databases\"]", "before = [\"databases\", \"databases\"]"),
            "error: release.toml:17:24: `groups[0].before[1]`: `before` of group `db` names `databases` twice",
        ),
        (
            ("before = [\"databases\"]", "before = [\"databases\"]\nafter = [\"databases\"]"),
            "error: release.toml:14:9: `groups[0].fleet`: the order has a cycle",
        ),
        (
            ("service = \"web\"", "service = \"wob\""),
            "error: release.toml:23:11: `groups[1].service`: `service` of group `web-eu` is `wob`",
        ),
        (
            ("fleet = \"web-us\"", "fleet = \"web-eu\""),
            "error: release.toml:28:12: `groups[2].snapshot`: release/web-us.json is of fleet `web-us`, not of `web-eu`",
        ),
        (("name = \"web\"", "nome = \"web\""), "error: release.toml:10:1: "),
        (("min_share = 75", "min_share = 175"), "error: release.toml:11:13: "),
        (("release = \"r7\"", "release = \"r7-db\""), "error: release.toml: two journals of release r7-db"),
        (("release/db.toml", "release/no.toml"), "error: release/no.toml: cannot be read"),
    ] {
        let error = release_error(&[change]);
        assert!(error.starts_with(expected), "{change:?}: {error}");
    }
}

#[test]
fn a_release_and_a_fleet_do_not_go_together() {
    let output = run_release(&plans().join("release.toml"), &["--fleet", "fleet.json"]);
    assert_eq!(output.status.code(), Some(1));
}
