//! The schemas in `docs/schemas` are those of the types that are read and written.

use std::fs;
use std::path::{Path, PathBuf};

use immutable_core::fleet::Snapshot;
use immutable_core::planner::PlanRequest;
use regex::Regex;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema};
use serde_json::Value;

use crate::output::Output;
use crate::release_file::ReleaseFile;
use crate::release_output::ReleaseOutput;

/// Set to write the schemas instead of comparing them.
const REGENERATE: &str = "UPDATE_SCHEMAS";

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)
}

fn settings() -> SchemaSettings {
    SchemaSettings::draft2020_12().with_transform(RecursiveTransform(|schema: &mut Schema| {
        if let Some(Value::String(text)) = schema.get_mut("description") {
            *text = prose(text);
        }
    }))
}

/// The first paragraph of a documentation comment, without links: what follows is for readers of Rust.
fn prose(text: &str) -> String {
    let paragraph = text.split("\n\n").next().unwrap_or_default().replace('\n', " ");
    let mut prose = String::new();
    let mut rest = paragraph.as_str();
    while let Some((before, link)) = rest.split_once("[`") {
        let (name, after) = link.split_once("`]").unwrap();
        prose += &format!("{before}`{name}`");
        rest = after
            .strip_prefix('(')
            .and_then(|target| target.split_once(')'))
            .map_or(after, |(_, after)| after);
    }
    prose + rest
}

fn read<T: JsonSchema>() -> Schema {
    settings().into_generator().into_root_schema_for::<T>()
}

fn written<T: JsonSchema>() -> Schema {
    settings().for_serialize().into_generator().into_root_schema_for::<T>()
}

fn schemas() -> [(&'static str, Schema); 5] {
    [
        ("fleet", read::<Snapshot>()),
        ("rollout", read::<PlanRequest>()),
        ("plan", written::<Output>()),
        ("release", read::<ReleaseFile>()),
        ("release-plan", written::<ReleaseOutput>()),
    ]
}

fn schema(name: &str) -> Value {
    schemas().into_iter().find(|(of, _)| *of == name).unwrap().1.to_value()
}

fn example(name: &str) -> String {
    fs::read_to_string(folder("examples/plans").join(name)).unwrap()
}

fn toml_as_json(text: &str) -> Value {
    toml::from_str(text).unwrap()
}

/// How `value` breaks `schema`, which is a part of `root`. Knows the keywords that these schemas use and panics at others, so
/// that none is left out silently.
fn breaches(root: &Value, schema: &Value, value: &Value, path: &str) -> Vec<String> {
    let Value::Object(keywords) = schema else {
        return if schema == &Value::Bool(false) {
            vec![format!("{path}: nothing fits")]
        } else {
            Vec::new()
        };
    };
    let within =
        |schema: &Value, value: &Value, name: &str| breaches(root, schema, value, &format!("{path}/{name}"));
    let fitting = |of: &Value| {
        of.as_array().unwrap().iter().filter(|schema| within(schema, value, "").is_empty()).count()
    };
    let mut found = Vec::new();
    for (keyword, rule) in keywords {
        let fits = match keyword.as_str() {
            "$schema" | "$defs" | "title" | "description" | "default" | "format" => true,
            "$ref" => {
                let name = rule.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
                found.extend(within(&root["$defs"][name], value, ""));
                true
            }
            "type" => {
                let is = |kind: &Value| match kind.as_str().unwrap() {
                    "object" => value.is_object(),
                    "array" => value.is_array(),
                    "string" => value.is_string(),
                    "integer" => value.is_u64() || value.is_i64(),
                    "boolean" => value.is_boolean(),
                    "null" => value.is_null(),
                    other => panic!("type {other}"),
                };
                rule.as_array().map_or_else(|| is(rule), |kinds| kinds.iter().any(is))
            }
            "const" => value == rule,
            "enum" => rule.as_array().unwrap().contains(value),
            "anyOf" => fitting(rule) > 0,
            "oneOf" => fitting(rule) == 1,
            "pattern" => value.as_str().is_none_or(|text| matches(rule.as_str().unwrap(), text)),
            "minimum" => value.as_f64().is_none_or(|number| number >= rule.as_f64().unwrap()),
            "maximum" => value.as_f64().is_none_or(|number| number <= rule.as_f64().unwrap()),
            "uniqueItems" => value.as_array().is_none_or(|items| {
                items.iter().enumerate().all(|(index, item)| !items[..index].contains(item))
            }),
            "items" => {
                for item in value.as_array().into_iter().flatten() {
                    found.extend(within(rule, item, "[]"));
                }
                true
            }
            "required" => value.as_object().is_none_or(|object| {
                rule.as_array().unwrap().iter().all(|name| object.contains_key(name.as_str().unwrap()))
            }),
            "properties" => {
                for (name, schema) in rule.as_object().unwrap() {
                    found.extend(value.get(name).into_iter().flat_map(|value| within(schema, value, name)));
                }
                true
            }
            "additionalProperties" => {
                for (name, value) in value.as_object().into_iter().flatten() {
                    let named = schema["properties"].get(name).is_some();
                    let patterns = schema["patternProperties"].as_object();
                    let by_pattern =
                        patterns.into_iter().flatten().find(|(pattern, _)| matches(pattern, name));
                    if !named {
                        found.extend(within(by_pattern.map_or(rule, |(_, schema)| schema), value, name));
                    }
                }
                true
            }
            "patternProperties" => keywords.contains_key("additionalProperties"),
            other => panic!("{path}: the keyword {other} is not known here"),
        };
        if !fits {
            found.push(format!("{path}: {keyword} {rule}"));
        }
    }
    found
}

fn matches(pattern: &str, text: &str) -> bool {
    Regex::new(pattern).unwrap().is_match(text)
}

#[test]
fn the_schemas_in_the_documentation_are_those_of_the_types() {
    for (name, schema) in schemas() {
        let path = folder("docs/schemas").join(format!("{name}.json"));
        let new = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
        if std::env::var_os(REGENERATE).is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, new).unwrap();
            continue;
        }
        let old = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            old == new,
            "docs/schemas/{name}.json is not the schema of its type any more. Is the change compatible with files that exist? \
             Then `{REGENERATE}=1 cargo test --package immutable-examples --bin plan schemas` writes it anew."
        );
    }
}

#[test]
fn every_example_fits_its_schema() {
    let kinds = ["release-plan", "release", "plan", "fleet", "rollout"];
    let validators = kinds.map(schema);
    let mut seen = [0; 5];
    let names = |of: &str| -> Vec<String> {
        let entries = fs::read_dir(folder("examples/plans").join(of)).unwrap();
        entries.map(|entry| format!("{of}{}", entry.unwrap().file_name().into_string().unwrap())).collect()
    };
    for name in names("").into_iter().chain(names("release/")) {
        let kind = match name.as_str() {
            "release.plan.json" => 0,
            "release.toml" => 1,
            name if name.ends_with(".plan.json") => 2,
            name if name.ends_with(".json") => 3,
            name if name.ends_with(".toml") => 4,
            _ => continue,
        };
        let text = example(&name);
        let value =
            if name.ends_with(".toml") { toml_as_json(&text) } else { serde_json::from_str(&text).unwrap() };
        seen[kind] += 1;
        let errors = breaches(&validators[kind], &validators[kind], &value, "");
        assert!(errors.is_empty(), "{name}: {errors:#?}");
    }
    assert!(seen.iter().all(|count| *count > 0), "{seen:?}");
}

#[test]
fn whatever_the_library_writes_fits() {
    let rollout = schema("rollout");
    let good = example("canary.toml");
    let (head, _) = good.split_once("[limits]").unwrap();
    for more in [
        "strategy = { kind = \"rolling\", order = \"descending\", start_approval = \"go\" }",
        "strategy = { kind = \"blue_green\", preview = 1, smoke = [\"smoke\"], hold = \"1h 30m\" }",
        "strategy = { kind = \"rolling_blue_green\", steps = [10, 50], bake = \"90s\" }",
        "strategy = { kind = \"canary\", beside_all = true, steps = [{ size = \"5%\", share = 5, baseline = true }] }",
        "strategy = { kind = \"waves\", pattern = { geometric = { first = 2, factor = 2 } } }",
        "strategy = { kind = \"waves\", pattern = { sizes = [1, \"50%\"] } }",
        "strategy = { kind = \"waves\", pattern = \"zone_by_zone\" }",
        "strategy = { kind = \"recreate\", stopped_checks = [\"moved\"] }",
        "strategy = { kind = \"opportunistic\" }",
        "strategy = { kind = \"rotate\", max_age = \"720h\", spread = \"10%\" }",
        "strategy = { kind = \"repair\" }",
        "limits = { poison = { failures = 2, zones = 2 }, launch_rate = { burst = 1, every = \"500ms\" }, max_versions = 2 }",
        "limits = { rollback = { max_surge = \"33%\", max_unavailable = 1 }, max_surge_per_zone = 1, retry_delay = \"0s\" }",
        "calendar = { freezes = [{ from = \"2026-12-20\", until = \"2027-01-03T18:00\", reason = \"holidays\" }] }",
        "calendar = { windows = [{ cron = { schedule = \"0 22 * * SAT\", duration = \"6h\" } }], jitter = { max = \"5m\" } }",
        "calendar = { windows = [{ weekly = { days = [\"monday\"], from = \"00:00\", until = \"24:00\" } }] }",
        "on_failure = \"hold\"\non_protected = \"skip\"\non_standby = \"replace\"\non_resize = \"pin\"\non_retarget = \"queue\"",
        "previous = \"sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae\"\nseed = 7",
    ] {
        let text = format!("{head}{more}\n");
        let request: PlanRequest = toml::from_str(&text).unwrap_or_else(|error| panic!("{more}: {error}"));
        let stored = serde_json::to_value(&request).unwrap();
        for value in [toml_as_json(&text), stored] {
            let errors = breaches(&rollout, &rollout, &value, "");
            assert!(errors.is_empty(), "{value}: {errors:#?}");
        }
    }
}

/// Every mistake that the parser finds by itself is found by the schema too.
#[test]
fn wrong_files_do_not_fit() {
    let rollout = schema("rollout");
    let good = example("canary.toml");
    for (what, from, to) in [
        ("an unknown field", "desired = 6", "desired = 6\nwanted = 6"),
        ("an unknown field of the limits", "max_surge = 2", "max_surge = 2\nsurge = 2"),
        ("an unknown field of the strategy", "kind = \"canary\"", "kind = \"canary\"\nbakes = \"1m\""),
        ("an unknown field of a step", "size = 1,", "size = 1, bakes = 1,"),
        ("an unknown strategy", "kind = \"canary\"", "kind = \"red_black\""),
        ("no kind", "kind = \"canary\"", ""),
        ("a wrong type", "desired = 6", "desired = \"6\""),
        ("a negative number", "desired = 6", "desired = -6"),
        ("a bad digest", "target = \"sha256:", "target = \"md5:"),
        ("a count as text", "max_surge = 2", "max_surge = \"2\""),
        ("a number as a duration", "min_ready = \"20s\"", "min_ready = 20"),
        ("a duration without a unit", "min_ready = \"20s\"", "min_ready = \"20\""),
        ("a bad name", "rollout = \"deploy-42\"", "rollout = \"Deploy 42\""),
        ("a bad zone", "\"c\"]", "\"c/d\"]"),
        ("an unknown mark", "\"drifted\"", "\"odd\""),
        ("a field left out", "desired = 6", ""),
    ] {
        let text = good.replacen(from, to, 1);
        assert_ne!(text, good, "{what}");
        assert!(!breaches(&rollout, &rollout, &toml_as_json(&text), "").is_empty(), "{what} fits the schema");
        assert!(toml::from_str::<PlanRequest>(&text).is_err(), "{what} is read");
    }

    let fleet = schema("fleet");
    let good = example("fleet.json");
    for (what, from, to) in [
        ("an unknown field", "\"revision\"", "\"version\""),
        ("an unknown field of an instance", "\"zone\"", "\"place\""),
        ("a bad digest", "sha256:2c", "sha256:2C"),
        ("a bad time", "2026-11-23T10:00:00Z", "yesterday"),
        ("an unknown health", "{\"running\": \"ready\"}", "{\"running\": \"fine\"}"),
        ("a wrong type", "\"revision\": 7", "\"revision\": \"7\""),
    ] {
        let text = good.replacen(from, to, 1);
        assert_ne!(text, good, "{what}");
        assert!(
            !breaches(&fleet, &fleet, &serde_json::from_str(&text).unwrap(), "").is_empty(),
            "{what} fits the schema"
        );
        assert!(serde_json::from_str::<Snapshot>(&text).is_err(), "{what} is read");
    }
}
