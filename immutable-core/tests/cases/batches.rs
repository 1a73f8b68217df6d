//! BOSH and Kamal: how many at first, and how many at a time.

use std::time::Duration;

use immutable_core::Quantity;
use immutable_core::gate::GateSpec;
use immutable_core::limits::Limits;
use immutable_core::strategy::{Canary, CanaryStep, Rolling, RolloutStrategy, StrategyContext, Waves};

use crate::quantities::quantity;
use crate::table::{Answers, Row, Table};

pub(crate) const TABLES: &[Table] =
    &[Table { name: "bosh_numeric", ask: bosh }, Table { name: "kamal_boot_limit", ask: kamal }];

/// `canaries` is a canary's size, `max_in_flight` what may be unavailable.
fn bosh(row: &Row) -> Answers {
    let peer = if row.flag("expect_error") { "refused" } else { row.text("expect") };
    let Ok(value) = quantity(row.text("value")) else { return Answers::new(peer, "refused") };
    let limits =
        |max_unavailable| Limits { max_surge: Quantity::Count(0), max_unavailable, ..Limits::default() };
    let size = row.number("size");
    let ours = match row.text("setting") {
        "canaries" => {
            let context = StrategyContext::new(limits(Quantity::Count(1)).budget(size).unwrap());
            Canary::new(CanaryStep::new(value)).stages(&context).unwrap()[0].new
        }
        "max_in_flight" => limits(value).budget(size).unwrap().max_unavailable,
        other => panic!("what is `{other}`?"),
    };
    Answers::new(peer, ours)
}

/// `boot.limit` is the size of a wave, `boot.wait` its bake time; without them everything goes at once.
fn kamal(row: &Row) -> Answers {
    let told = |limit: u32, wait: u64| format!("{limit} at a time, {wait} s between");
    let limits = Limits { max_surge: Quantity::Percent(100), ..Limits::default() };
    let context = StrategyContext::new(limits.budget(row.number("hosts")).unwrap());
    let Some(limit) = row.maybe("expect_limit") else {
        let stages = Rolling::new().stages(&context).unwrap();
        return Answers::new(told(row.number("hosts"), 0), told(stages[0].new, 0));
    };
    let peer = told(limit, row.number("expect_wait_s").into());
    let wait = Duration::from_secs(row.number("wait_s").into());
    let waves = Waves::sizes([quantity(row.text("limit")).unwrap()]).bake(wait);
    let stages = waves.stages(&context).unwrap();
    let baked = stages[0].gates.iter().map(|gate| match gate {
        GateSpec::Bake(time) => time.as_secs(),
        other => panic!("{other}"),
    });
    Answers::new(peer, told(stages[0].new, baked.sum()))
}
