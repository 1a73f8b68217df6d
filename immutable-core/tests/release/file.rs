//! The form that a file holds.

use immutable_core::release::{OnGroupFailure, ReleaseEvent, ReleaseSpec};

use crate::world::{fleet, tiers};

#[test]
fn what_is_written_is_read_again() {
    let spec = tiers().on_failure(OnGroupFailure::Continue).max_running(std::num::NonZeroU32::MIN);
    let json = serde_json::to_string(&spec).unwrap();
    assert_eq!(serde_json::from_str::<ReleaseSpec>(&json).unwrap(), spec);
    assert!(json.starts_with(
        r#"{"on_failure":"continue","max_running":1,"groups":[{"fleet":"db-a","before":["data"]}"#
    ));
}

#[test]
fn everything_but_names_has_a_default() {
    let spec: ReleaseSpec = serde_json::from_str("{}").unwrap();
    assert_eq!(spec, ReleaseSpec::new());
    assert_eq!(spec.on_failure, OnGroupFailure::Stop);
}

#[test]
fn mistakes_in_a_file_are_named() {
    for (text, expected) in [
        (r#"{"group": []}"#, "unknown field `group`, expected one of"),
        (r#"{"groups": [{"fleet": "a", "depends": []}]}"#, "unknown field `depends`"),
        (r#"{"groups": [{"after": []}]}"#, "missing field `fleet`"),
        (r#"{"groups": [{"fleet": "A b"}]}"#, "`A b` is not a valid fleet name"),
        (r#"{"barriers": [{"name": ""}]}"#, "`` is not a valid barrier name"),
        (r#"{"barriers": [{"name": "a", "before": ["b"]}]}"#, "unknown field `before`"),
        (r#"{"services": [{"name": "a", "min_share": 101}]}"#, "101 is not a share of traffic"),
        (r#"{"services": [{"name": "a"}]}"#, "missing field `min_share`"),
        (r#"{"max_running": 0}"#, "expected a nonzero u32"),
        (
            r#"{"on_failure": "abort"}"#,
            "unknown variant `abort`, expected one of `stop`, `rollback`, `continue`",
        ),
    ] {
        let error = serde_json::from_str::<ReleaseSpec>(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn events_have_a_stored_form() {
    let event = ReleaseEvent::TurnBack { group: fleet("web") };
    let json = serde_json::to_string(&event).unwrap();
    assert_eq!(json, r#"{"turn_back":{"group":"web"}}"#);
    assert_eq!(serde_json::from_str::<ReleaseEvent>(&json).unwrap(), event);
    assert!(serde_json::from_str::<ReleaseEvent>(r#"{"begin":{"group":"web","now":true}}"#).is_err());
}
