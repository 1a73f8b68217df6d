//! Kubernetes' `Deployment`: what becomes of its replica sets.

use immutable_core::GateName;
use immutable_core::gate::GateSpec;
use immutable_core::planner::{Decision, decide};
use immutable_core::strategy::Stage;

use crate::table::{Answers, Row, Table};
use crate::world::{Group, World, counts, finish, now};

pub(crate) const TABLES: &[Table] = &[
    Table { name: "k8s_cleanup_unhealthy", ask: cleanup_unhealthy },
    Table { name: "k8s_new_rs_new_replicas", ask: new_replicas },
    Table { name: "k8s_progress_deadline", ask: progress_deadline },
    Table { name: "k8s_proportional_scaling", ask: proportional_scaling },
    Table { name: "k8s_reconcile_new", ask: reconcile_new },
    Table { name: "k8s_reconcile_old", ask: reconcile_old },
    Table { name: "k8s_scale_down_old", ask: scale_down_old },
];

/// How large the new set becomes.
fn new_replicas(row: &Row) -> Answers {
    let world = World::new(row.number("desired"), counts(row.number("max_surge"), 0), "new");
    let new = Group::ready("new", row.number("new_spec"));
    let world = world.with(&[Group::ready("old", row.number("other_sets_total_spec")), new.clone()]);
    let ours = world.answer(|first| (new.size() + first.launched - first.left("new")).to_string());
    Answers::new(row.text("expect_new_spec"), ours)
}

fn limited(row: &Row) -> World {
    let limits = counts(row.number("max_surge"), row.number("max_unavailable"));
    World::new(row.number("desired"), limits, "new")
}

/// Whether and to what size the new set is scaled.
fn reconcile_new(row: &Row) -> Answers {
    let (old, new) =
        (Group::ready("old", row.number("old_spec")), Group::ready("new", row.number("new_spec")));
    let ours = limited(row).with(&[old, new.clone()]).answer(|first| match first.launched {
        0 => "not scaled".to_owned(),
        launched => (new.size() + launched).to_string(),
    });
    Answers::new(if row.flag("expect_scaled") { row.text("expect_new_spec") } else { "not scaled" }, ours)
}

fn old_after(world: World, old: &Group, row: &Row) -> Answers {
    let ours = world.answer(|first| match first.left("old") {
        0 => "not scaled".to_owned(),
        left => (old.size() - left).to_string(),
    });
    Answers::new(if row.flag("expect_scaled") { row.text("expect_old_spec") } else { "not scaled" }, ours)
}

/// Whether and to what size the old set is scaled, unhealthy ones first.
fn reconcile_old(row: &Row) -> Answers {
    let set =
        |name, spec, available| Group::set(name, row.number(spec), row.number(spec), row.number(available));
    let old = set("old", "old_spec", "old_available");
    old_after(limited(row).with(&[old.clone(), set("new", "new_spec", "new_available")]), &old, row)
}

/// The same for available ones only. More available than wanted are stopping.
fn scale_down_old(row: &Row) -> Answers {
    let (spec, available) = (row.number("old_spec"), row.number("old_available"));
    let old = Group::set("old", spec, spec.max(available), available);
    old_after(limited(row).with(std::slice::from_ref(&old)), &old, row)
}

/// How many unhealthy ones of the old set are removed, and no healthy one: at most `max_cleanup`, which here is what the
/// stage does not keep. The limits allow to lose as many as are lost already.
fn cleanup_unhealthy(row: &Row) -> Answers {
    let (spec, available) = (row.number("old_spec"), row.number("old_available"));
    let desired = row.number("desired");
    let mut world = World::new(desired, counts(1, spec - available), "new");
    world.strategy.stages.insert(0, Stage::new(0, spec - row.number("max_cleanup")));
    let ours = world.with(&[Group::set("old", spec, spec, available)]).answer(|first| {
        assert!(first.leaving.iter().all(|id| id.as_str() >= format!("old-{available:03}").as_str()));
        first.left("old").to_string()
    });
    Answers::new(row.text("expect_cleaned"), ours)
}

/// Whether a rollout counts as stuck. Without a deadline in the row the default of this library holds.
fn progress_deadline(row: &Row) -> Answers {
    let mut limits = counts(1, 0);
    if let Some(deadline) = row.maybe("progress_deadline_s") {
        limits.progress_deadline = std::time::Duration::from_secs(deadline.into());
        limits.healthy_deadline = limits.progress_deadline / 2;
        limits.drain_deadline = limits.progress_deadline / 2;
    }
    let complete = row.text("last_condition") == "complete";
    let world = World::new(3, limits, "new").with(&[Group::ready(if complete { "new" } else { "old" }, 3)]);
    let (_, state) = world.state();
    // Once complete, no time is too long.
    let passed = row.maybe("seconds_since_last_progress").unwrap_or(1_000_000);
    let decision = decide(&state, now() + std::time::Duration::from_secs(passed.into()));
    let stuck = matches!(decision, Decision::TurnBack(_) | Decision::End(_));
    assert_eq!(complete, matches!(decision, Decision::Done(_)), "{decision:?}");
    Answers::new(row.text("expect_timed_out"), stuck)
}

/// The sizes of all sets once another number of instances, asked for in the middle of a rollout, is reached. The rollout
/// stands in a stage that is as far as the table says and that nobody lets go on. Old ones that are missing come as the
/// newest of the old sets, which is the image to go back to; the oldest set comes last in the table.
fn proportional_scaling(row: &Row) -> Answers {
    let set = |text: &str| {
        let (name, size) = text.split_once(':').unwrap();
        let (size, note) = size.split_once(' ').unwrap_or((size, ""));
        let size = size.parse().unwrap();
        Group::set(name, size, size, if note == "(available 0)" { 0 } else { size })
    };
    let cells = |column| row.text(column).split('|').filter(|text| !text.is_empty());
    let new: Vec<Group> = cells("new_set_before").map(set).map(Group::booting).collect();
    let old: Vec<Group> = cells("old_sets_before").map(set).collect();
    let (before, reached) = (row.number("previous_desired"), new.first().map_or(0, Group::size));

    let target = new.first().map_or("unborn", |new| new.name.as_str());
    let mut world = World::new(before, counts(row.number("max_surge"), 1), target);
    let hold = GateSpec::Approval(GateName::new("go-on").unwrap());
    world.strategy.stages = vec![Stage::new(reached, before - reached).gate(hold), Stage::new(before, 0)];
    world.previous = old.first().map(|newest| newest.image);
    let oldest_first: Vec<Group> = old.iter().rev().chain(&new).cloned().collect();
    let (_, mut state) = world.with(&oldest_first).state();
    state.resized(row.number("desired"), now());
    finish(&mut state, now());

    let size = |group: &Group| {
        let members = state.members().filter(|member| member.image == group.image);
        format!("{}:{}", group.name, members.count())
    };
    let ours: Vec<String> = new.iter().chain(&old).map(size).collect();
    let peer: Vec<&str> = cells("expect_new_set").chain(cells("expect_old_sets")).collect();
    Answers::new(peer.join("|"), ours.join("|"))
}
