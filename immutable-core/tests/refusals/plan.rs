//! Rollouts that cannot be planned.

use immutable_core::fleet::Snapshot;
use immutable_core::limits::{Limits, RollbackLimits};
use immutable_core::planner::PlanRequest;
use immutable_core::strategy::{BlueGreen, Reason, Recreate, Rolling, RolloutStrategy, Stage};
use immutable_core::strategy::{StrategyContext, StrategyError};
use immutable_core::{FleetId, Timestamp};

use crate::table::{Row, assert_all_kinds, assert_golden, text};
use crate::world::{NOW, count, fleet, id, instance, limits, request, v, zones};

fn refused_by(request: &PlanRequest, fleet: &Snapshot, strategy: &dyn RolloutStrategy) -> Row {
    Row::new(&request.plan(fleet, strategy).unwrap_err())
}

fn refused(request: &PlanRequest) -> Row {
    refused_by(request, &fleet(4), &Rolling::new())
}

/// Stages as somebody's own strategy may return them.
#[derive(Debug)]
struct Own(Vec<Stage>);

impl RolloutStrategy for Own {
    fn name(&self) -> &'static str {
        "own"
    }

    fn stages(&self, _: &StrategyContext) -> Result<Vec<Stage>, StrategyError> {
        Ok(self.0.clone())
    }
}

#[test]
fn every_kind_of_rollout_that_cannot_be_planned() {
    let soon: Timestamp = "1970-01-01T00:00:30Z".parse().unwrap();
    let back = |max_surge, max_unavailable| RollbackLimits {
        max_surge: count(max_surge),
        max_unavailable: count(max_unavailable),
    };
    let stuck_back = Limits { rollback: Some(back(1, 0)), ..limits(count(0), count(4)) };
    let wide_back = Limits { rollback: Some(back(3, 0)), ..limits(count(1), count(0)) };
    let twice = Snapshot::new(FleetId::new("web").unwrap(), NOW, 0, vec![instance(0), instance(0)]);
    let one_version = Limits { max_versions: Some(1), ..limits(count(1), count(0)) };
    let half = Own(vec![Stage::new(2, 2)]);
    let shared = immutable_core::strategy::Share::NONE;
    let no_traffic = Own(vec![Stage::new(4, 0).share(shared)]);
    let rows = [
        refused(&request().limits(limits(count(0), count(0)))),
        refused_by(&request(), &fleet(4), &BlueGreen::new()),
        refused_by(&request(), &fleet(4), &half),
        refused_by(&request(), &fleet(4), &no_traffic),
        refused_by(&request(), &fleet(4), &Own(Vec::new())),
        refused(&request().zones(Vec::new())),
        refused(&request().zones(zones(&["a", "b", "a"]))),
        refused(&request().mark(id(9), Reason::Drifted)),
        refused(&request().previous(v(2))),
        refused(&request().revoked(v(2))),
        refused(&request().previous(v(1)).revoked(v(1))),
        refused(&request().expires(v(2), soon)),
        refused(&request().expires(v(1), soon)),
        refused(&request().limits(limits(count(3), count(0))).quota(6)),
        refused(&request().quota(4)),
        refused(&request().quota(3)),
        refused(&request().quota(0)),
        refused(&request().limits(wide_back).quota(6)),
        refused(&request().limits(one_version)),
        refused_by(&request().limits(stuck_back), &fleet(4), &Recreate::new()),
        refused_by(&request(), &twice, &Rolling::new()),
    ];
    assert_all_kinds(&rows, "planner/plan_error.rs", "PlanError");
    assert_golden!("plan", text(&rows));
}
