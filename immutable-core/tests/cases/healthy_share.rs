//! How many of so many desired instances are a percentage of them? Spinnaker rounds to the nearest, half up; ours, a floor,
//! rounds up, because a floor that rounds down is lower than what was asked for.

use crate::table::{Answers, Row, Table};
use crate::traffic_guard::guard;

pub(crate) const TABLES: &[Table] =
    &[Table { name: "spinnaker_target_healthy_deploy_percentage", ask: healthy_share }];

fn healthy_share(row: &Row) -> Answers {
    let least = guard(row.number("percent")).min_serving(row.number("desired").into());
    Answers::new(row.flag("expect_succeeded"), u64::from(row.number("healthy")) >= least)
}
