//! Releases that contradict themselves, plans that do not fit them, and events out of turn.

use immutable_core::FleetId;
use immutable_core::plan::Plan;
use immutable_core::planner::PlanRequest;
use immutable_core::release::{
    GroupOutcome, Release, ReleaseEvent, ReleasePlan, ReleasePlanError, ReleaseSpec,
};
use immutable_core::strategy::Rolling;

use crate::table::{Row, assert_all_kinds, assert_golden, text};
use crate::world::{named, rollout, v, zones};

fn spec(file: &str) -> ReleaseSpec {
    toml::from_str(file).unwrap_or_else(|error| panic!("{file}: {error}"))
}

const DB_THEN_WEB: &str = "barriers = [{ name = 'data' }]
groups = [{ fleet = 'db', before = ['data'] }, { fleet = 'web', after = ['data'] }]";

#[test]
fn every_kind_of_release_that_contradicts_itself() {
    let rows = [
        "groups = [{ fleet = 'web' }, { fleet = 'web' }]",
        "barriers = [{ name = 'data' }, { name = 'data' }]",
        "groups = [{ fleet = 'web', service = 'web' }]
         services = [{ name = 'web', min_share = 50 }, { name = 'web', min_share = 75 }]",
        "barriers = [{ name = 'data' }]\ngroups = [{ fleet = 'web', after = ['data', 'data'] }]",
        "barriers = [{ name = 'data' }]\ngroups = [{ fleet = 'web', after = ['date'] }]",
        "groups = [{ fleet = 'db' }, { fleet = 'web', after = ['db'] }]",
        "groups = [{ fleet = 'web', after = ['data'] }]",
        "groups = [{ fleet = 'web', service = 'wbe' }, { fleet = 'api', service = 'web' }]
         services = [{ name = 'web', min_share = 50 }]",
        "groups = [{ fleet = 'web', service = 'web' }]",
        "groups = [{ fleet = 'web' }]\nservices = [{ name = 'web', min_share = 50 }]",
        "barriers = [{ name = 'data' }]\ngroups = [{ fleet = 'db', after = ['data'], before = ['data'] }]",
        "barriers = [{ name = 'data', after = ['data'] }]",
    ];
    let rows = rows.map(|file| Row::new(&spec(file).graph().unwrap_err()));
    assert_all_kinds(&rows, "release/error.rs", "ReleaseError");
    assert_golden!("release", text(&rows));
}

/// What does not even fit the form of a release.
#[test]
fn files_that_are_no_releases() {
    let rows = [
        "max_running = 0",
        "on_failure = 'ignore'",
        "groups = [{ flete = 'web' }]",
        "groups = [{ fleet = 'Web' }]",
        "services = [{ name = 'web', min_share = 101 }]",
        "services = [{ name = 'web', min_share = 300 }]",
        "services = [{ name = 'web', min_share = '50%' }]",
    ];
    let refused = |file: &str| {
        let error = toml::from_str::<ReleaseSpec>(file).unwrap_err();
        format!("{file}\n    {}\n", error.message())
    };
    assert_golden!("release_files", rows.map(refused).concat());
}

fn plan(fleet: &str, name: &str) -> Plan {
    let request = PlanRequest::new(rollout(name), v(2), 2).zones(zones(&["a"]));
    request.plan(&named(fleet, 2), &Rolling::new()).unwrap()
}

#[test]
fn every_kind_of_plans_that_do_not_fit_their_release() {
    let long = "r".repeat(59);
    let refused = |spec: ReleaseSpec, plans: Vec<Plan>| -> ReleasePlanError {
        ReleasePlan::new(rollout("r7"), spec, plans).unwrap_err()
    };
    let two = |plans| refused(spec(DB_THEN_WEB), plans);
    let rows = [
        refused(spec("groups = [{ fleet = 'web' }, { fleet = 'web' }]"), vec![plan("web", "a")]),
        two(vec![plan("db", "a")]),
        two(vec![plan("db", "a"), plan("db", "b")]),
        two(vec![plan("db", "a"), plan("web", "b"), plan("wep", "c")]),
        refused(ReleaseSpec::new(), vec![plan("web", "a")]),
        two(vec![plan("db", "a"), plan("web", "a-back")]),
        two(vec![plan("db", &long), plan("web", "a")]),
    ];
    let rows = rows.map(|error| Row::new(&error));
    assert_all_kinds(&rows, "release/plan.rs", "ReleasePlanError");
    assert_golden!("release_plans", text(&rows));
}

#[test]
fn every_kind_of_event_out_of_turn() {
    let fleet = |name: &str| FleetId::new(name).unwrap();
    let after = |events: &[ReleaseEvent], refused: &ReleaseEvent| {
        let mut release = Release::open(&spec(DB_THEN_WEB)).unwrap();
        for event in events {
            release.apply(event).unwrap();
        }
        Row::new(&release.apply(refused).unwrap_err())
    };
    let begin = |name: &str| ReleaseEvent::Begin { group: fleet(name) };
    let rows = [
        after(&[], &begin("wbe")),
        after(&[], &begin("web")),
        after(&[], &ReleaseEvent::End { group: fleet("db"), outcome: GroupOutcome::Done }),
        after(&[begin("db")], &begin("db")),
        after(&[begin("db"), ReleaseEvent::RollBack], &ReleaseEvent::RollBack),
    ];
    assert_all_kinds(&rows, "release/error.rs", "IllegalReleaseEvent");
    assert_golden!("release_events", text(&rows));
}
