//! Limits that no rollout can keep.

use std::time::Duration;

use immutable_core::limits::{Budget, LaunchRate, Limits, Poison, RollbackLimits};
use immutable_core::planner::{PlanError, PlanRequest};
use immutable_core::strategy::Rolling;

use crate::table::{Row, assert_all_kinds, assert_golden, text};
use crate::world::{count, fleet, limits, of, percent, request};

fn refused(request: &PlanRequest) -> Row {
    match request.plan(&fleet(4), &Rolling::new()).unwrap_err() {
        PlanError::Limits { source, .. } => Row::new(&source),
        other => panic!("{other}"),
    }
}

#[test]
fn every_kind_of_limits_that_no_rollout_can_keep() {
    let secs = Duration::from_secs;
    let one_more = || limits(count(1), count(0));
    let back = RollbackLimits { max_surge: count(0), max_unavailable: percent(20) };
    let zoned = |surge, unavailable, limits| Limits {
        max_surge_per_zone: surge,
        max_unavailable_per_zone: unavailable,
        ..limits
    };
    let back_by_one_less = RollbackLimits { max_surge: count(0), max_unavailable: count(1) };
    let deadlines = |healthy_deadline, min_ready, progress_deadline| Limits {
        healthy_deadline,
        min_ready,
        progress_deadline,
        ..one_more()
    };
    let poison = |failures, zones| Limits { poison: Some(Poison { failures, zones }), ..one_more() };
    let rate = |burst, every| Limits { launch_rate: Some(LaunchRate { burst, every }), ..one_more() };
    let rows = [
        limits(count(0), count(0)),
        limits(percent(0), percent(24)),
        Limits { rollback: Some(back), ..one_more() },
        deadlines(secs(300), secs(400), secs(600)),
        deadlines(secs(300), secs(300), secs(600)),
        deadlines(Duration::MAX, secs(1), Duration::MAX),
        deadlines(Duration::ZERO, secs(0), secs(600)),
        Limits { drain_deadline: secs(600), ..one_more() },
        rate(1, secs(600)),
        zoned(Some(count(0)), None, one_more()),
        zoned(None, Some(percent(10)), limits(count(0), count(2))),
        zoned(None, Some(count(0)), Limits { rollback: Some(back_by_one_less), ..one_more() }),
        poison(0, 1),
        poison(1, 0),
        poison(1, 3),
        rate(0, secs(1)),
        rate(1, Duration::ZERO),
        Limits { max_versions: Some(0), ..one_more() },
    ];
    let mut rows: Vec<Row> = rows.into_iter().map(|limits| refused(&request().limits(limits))).collect();
    rows.push(refused(&of(Budget::MAX_DESIRED + 1)));
    assert_all_kinds(&rows, "limits/error.rs", "LimitsError");
    assert_golden!("limits", text(&rows));
}
