//! Flagger: how the weight goes up with each turn of its loop.

use std::time::Duration;

use immutable_core::Quantity;
use immutable_core::limits::Limits;
use immutable_core::strategy::{Canary, CanaryStep, RolloutStrategy, Share, StrategyContext};

use crate::table::{Answers, Row, Table};

pub(crate) const TABLES: &[Table] = &[Table { name: "flagger_weights", ask: weights }];

fn split(share: Share) -> String {
    format!("{} old, {share} new", share.rest())
}

/// The first turn only starts the canary; each further one is a step.
fn weights(row: &Row) -> Answers {
    let weights: Vec<u32> = match row.maybe("step_weight") {
        Some(step) => {
            let max = row.number("max_weight");
            (1..).map(|turn| turn * step).take_while(|weight| *weight <= max).collect()
        }
        None => row.text("step_weights").split(' ').map(|weight| weight.parse().unwrap()).collect(),
    };
    let peer =
        format!("{}% old, {}% new", row.number("expect_primary_weight"), row.number("expect_canary_weight"));
    let shares: Result<Vec<Share>, _> =
        weights.into_iter().map(|weight| Share::new(u8::try_from(weight).unwrap())).collect();
    let Ok(shares) = shares else { return Answers::new(peer, "refused") };
    let limits = Limits { max_surge: Quantity::Percent(100), ..Limits::default() };
    let context = StrategyContext::new(limits.budget(100).unwrap());
    let mut steps = shares.iter().map(|share| {
        let size = Quantity::Percent(u32::from(share.hundredths()));
        CanaryStep::new(size).share(*share).bake(Duration::from_secs(60))
    });
    let first = Canary::new(steps.next().unwrap());
    let stages = steps.fold(first, Canary::step).stages(&context).unwrap();
    assert_eq!(stages.len(), shares.len() + 1, "with room for both groups there is nothing in between");
    let ours = match row.number("advance_no") {
        1 => Share::NONE,
        turn => stages[turn as usize - 2].share.unwrap(),
    };
    Answers::new(peer, split(ours))
}
