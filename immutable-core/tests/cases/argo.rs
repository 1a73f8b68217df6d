//! Argo Rollouts: how many canaries a weight is, second groups with a preview, and what traffic needs meanwhile.

use immutable_core::Quantity;
use immutable_core::limits::Limits;
use immutable_core::strategy::{
    BlueGreen, Canary, CanaryStep, Rolling, RolloutStrategy, Share, Stage, StrategyContext, StrategyError,
};

use crate::table::{Answers, Row, Table};
use crate::world::quantity;

pub(crate) const TABLES: &[Table] = &[
    Table { name: "argo_weighted_split", ask: weighted_split },
    Table { name: "argo_canary_counts", ask: canary_counts },
    Table { name: "argo_bluegreen_preview", ask: bluegreen_preview },
    Table { name: "argo_dynamic_stable_scale", ask: dynamic_stable_scale },
    Table { name: "argo_abort_weight", ask: abort_weight },
];

fn groups(new: u32, old: u32) -> String {
    format!("{new} new, {old} old")
}

fn share(hundredths: u32) -> Share {
    Share::new(u8::try_from(hundredths).unwrap()).unwrap()
}

/// The stage of the first step, or of the end where the step is everything.
fn step_stage(canary: &Canary, weight: u32, context: &StrategyContext) -> Result<Stage, StrategyError> {
    let mut stages = canary.stages(context)?;
    // Stages that only move traffic have no gate; the step bakes.
    stages.retain(|stage| !stage.gates.is_empty() || stage.old == 0);
    Ok(if weight == 100 { stages.pop().unwrap() } else { stages.remove(0) })
}

/// A weight as a canary of that percentage. Where Argo has no surge, one may be unavailable.
fn weighted_split(row: &Row) -> Answers {
    assert_eq!(row.number("max_weight"), 100);
    let (weight, surge) = (row.number("weight"), row.number("max_surge"));
    let limits = Limits {
        max_surge: Quantity::Count(surge),
        max_unavailable: Quantity::Count(u32::from(surge == 0)),
        ..Limits::default()
    };
    let context = StrategyContext::new(limits.budget(row.number("replicas")).unwrap());
    let canary = Canary::new(CanaryStep::new(Quantity::Percent(weight)));
    let ours = match step_stage(&canary, weight, &context) {
        Ok(stage) => groups(stage.new, stage.old),
        Err(_) => "refused".to_owned(),
    };
    Answers::new(groups(row.number("expect_canary"), row.number("expect_stable")), ours)
}

/// Argo answers with the numbers after one pass of its controller, we with those of the stage: the pass must go towards
/// our stage and not past it.
fn canary_counts(row: &Row) -> Answers {
    if row.text("mode") == "traffic_routed" {
        return routed_counts(row);
    }
    let (new, old) = (row.number("expect_canary_spec"), row.number("expect_stable_spec"));
    let limits = Limits {
        max_surge: quantity(row.text("max_surge")),
        max_unavailable: quantity(row.text("max_unavailable")),
        ..Limits::default()
    };
    let Ok(budget) = limits.budget(row.number("replicas")) else {
        return Answers::new(groups(new, old), "refused: both limits are 0");
    };
    let context = StrategyContext::new(budget);
    let weight = if row.flag("promote_full") { 100 } else { row.number("set_weight_pct") };
    let stage = match weight {
        0 => back(&context),
        _ => {
            let canary = Canary::new(CanaryStep::new(Quantity::Percent(weight)));
            step_stage(&canary, weight, &context).unwrap()
        }
    };
    let towards = |from: u32, to: u32, got: u32| (from.min(to)..=from.max(to)).contains(&got);
    let on_the_way = towards(row.number("canary_spec"), stage.new, new)
        && towards(row.number("stable_spec"), stage.old, old);
    let ours = format!("towards {}", groups(stage.new, stage.old));
    Answers::new(if on_the_way { ours.clone() } else { groups(new, old) }, ours)
}

/// With traffic routing the whole stable set stays beside the canaries, and Argo heeds no limit; here there must be room
/// for both.
fn routed_counts(row: &Row) -> Answers {
    let all = row.number("replicas");
    let limits = Limits { max_surge: Quantity::Percent(100), ..Limits::default() };
    let context = StrategyContext::new(limits.budget(all).unwrap());
    let weight = row.number("set_weight_pct");
    let stage = if row.flag("aborted") {
        back(&context)
    } else {
        let least = Quantity::Percent(weight).round_up(all).max(row.maybe("min_pods_per_rs").unwrap_or(0));
        let scale = row.maybe("set_canary_scale_replicas");
        let scale = scale.filter(|_| row.text("set_canary_scale_match_traffic") != "true");
        let step = CanaryStep::new(Quantity::Count(scale.unwrap_or(least))).share(share(weight));
        let stages = Canary::new(step).beside_all().stages(&context).unwrap();
        stages.into_iter().find(|stage| !stage.gates.is_empty()).unwrap()
    };
    let peer = groups(row.number("expect_canary_spec"), row.number("expect_stable_spec"));
    Answers::new(peer, groups(stage.new, stage.old))
}

/// The way back is a rollout of the old image: what it calls new is the stable set.
fn back(context: &StrategyContext) -> Stage {
    let end = Rolling::new().stages(context).unwrap().remove(0);
    Stage::new(end.old, end.new)
}

/// Before the pause the preview, after it the whole group, and at the end nothing else.
fn bluegreen_preview(row: &Row) -> Answers {
    let limits = Limits { max_surge: Quantity::Percent(100), ..Limits::default() };
    let context = StrategyContext::new(limits.budget(row.number("replicas")).unwrap());
    let preview = Quantity::Count(row.number("preview_replica_count"));
    let stages = BlueGreen::new().preview(preview).stages(&context).unwrap();
    let new_hash = row.text("new_rs_hash");
    let active = row.text("active_selector") == new_hash;
    // What is recorded of an earlier image says nothing about this one.
    let smoked = row.text("status_current_hash") == new_hash && row.flag("scale_up_preview_checkpoint");
    let stage = match (active || row.flag("promote_full"), smoked) {
        (true, _) => stages.last().unwrap(),
        (false, true) => &stages[1],
        (false, false) => &stages[0],
    };
    Answers::new(row.number("expect_new_rs_replicas"), stage.new)
}

/// What each group must have while traffic moves: the numbers of the stage, and as many as the traffic needs that it still
/// gets.
fn dynamic_stable_scale(row: &Row) -> Answers {
    let all = row.number("replicas");
    let limits = Limits { max_surge: Quantity::Percent(100), ..Limits::default() };
    let context = StrategyContext::new(limits.budget(all).unwrap());
    let weight = row.number("first_step_set_weight");
    let step = CanaryStep::new(Quantity::Percent(weight)).share(share(weight));
    let stage = if row.flag("aborted") {
        back(&context)
    } else {
        step_stage(&Canary::new(step), weight, &context).unwrap()
    };
    let new = stage.new.max(share(row.number("observed_canary_weight")).of(all));
    let old = stage.old.max(share(row.number("observed_stable_weight")).of(all));
    Answers::new(groups(row.number("expect_canary"), row.number("expect_stable")), groups(new, old))
}

/// On the way back the canary keeps what the stable instances that are there cannot bear.
fn abort_weight(row: &Row) -> Answers {
    let (all, stable) = (row.number("replicas"), row.number("stable_spec_and_available"));
    let kept = (0..=100).map(share).find(|kept| kept.rest().of(all) <= stable).unwrap();
    Answers::new(share(row.number("expect_canary_weight")), kept)
}
