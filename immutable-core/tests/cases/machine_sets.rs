//! Cluster API's `MachineDeployment`: what becomes of its machine sets.

use std::collections::BTreeMap;

use immutable_core::strategy::Stage;

use crate::table::{Answers, Row, Table};
use crate::world::{First, Group, World, counts};

pub(crate) const TABLES: &[Table] = &[
    Table { name: "capi_deadlock_breaker", ask: deadlock_breaker },
    Table { name: "capi_new_set_replicas", ask: new_set_replicas },
    Table { name: "capi_plan_steps_replace", ask: plan_steps },
    Table { name: "capi_reconcile_new", ask: reconcile_new },
    Table { name: "capi_scale_down_old", ask: scale_down_old },
];

/// How large the new set becomes; `OnDelete` is a stage that leaves sound old ones alone.
fn new_set_replicas(row: &Row) -> Answers {
    let (desired, new) = (row.number("desired"), Group::ready("new", row.number("new_spec")));
    let mut world = World::new(desired, counts(row.number("max_surge"), 0), "new");
    if row.text("strategy") == "OnDelete" {
        world.strategy.stages[0] = Stage::new(desired, 0).passive();
    }
    let world = world.with(&[Group::ready("old", row.number("old_spec")), new.clone()]);
    let ours = world.answer(|first| (new.size() + first.launched - first.left("new")).to_string());
    Answers::new(row.text("expect_new_spec"), ours)
}

/// How large the new set becomes where old machines may still be on their way out.
fn reconcile_new(row: &Row) -> Answers {
    let limits = counts(row.number("max_surge"), row.number("max_unavailable"));
    let world = World::new(row.number("desired"), limits, "new");
    let mut groups = Vec::new();
    if let Some((spec, actual)) = row.text("old_sets").split_once('/') {
        let (spec, actual) = (spec.parse().unwrap(), actual.parse().unwrap());
        groups.push(Group::set("old", spec, actual, actual));
    }
    let new = Group::ready("new", row.number("new_spec"));
    groups.push(new.clone());
    let after = |first: &First| (new.size() + first.launched - first.left("new")).to_string();
    Answers::new(row.text("expect_new_spec"), world.with(&groups).answer(after))
}

/// A set as the tables write it: `name@version:spec/actual/available`.
fn sets(text: &str) -> Vec<(String, [u32; 3])> {
    let set = |text: &str| {
        let (name, numbers) = text.split_once(':').unwrap();
        let name = name.split('@').next().unwrap().to_owned();
        let numbers: Vec<u32> = numbers.split('/').map(|number| number.parse().unwrap()).collect();
        (name, numbers.try_into().unwrap())
    };
    text.split('|').filter(|text| !text.is_empty()).map(set).collect()
}

/// Sizes as the tables write them: `name=size` or `name:size`.
fn sizes(text: &str, separator: char) -> BTreeMap<String, u32> {
    let size = |text: &str| {
        let (name, size) = text.split_once(separator).unwrap();
        (name.to_owned(), size.parse().unwrap())
    };
    text.split('|').filter(|text| !text.is_empty()).map(size).collect()
}

fn written(sizes: &BTreeMap<String, u32>) -> String {
    let size: Vec<_> = sizes.iter().map(|(name, size)| format!("{name}:{size}")).collect();
    size.join("|")
}

/// Old sets, oldest first, and then the new one, where what is intended already has begun: a smaller size as machines
/// that are stopping, a larger one as machines that are starting.
fn with_intents(row: &Row, old: &str, intents: &str) -> (Vec<Group>, Group) {
    let intents = sizes(row.text(intents), '=');
    let group = |(name, [spec, actual, available]): &(String, [u32; 3])| {
        Group::set(name, intents.get(name).copied().unwrap_or(*spec), *actual, *available)
    };
    let new = group(&sets(row.text("new_set"))[0]).booting();
    (sets(row.text(old)).iter().map(group).collect(), new)
}

/// The sizes of all sets after the first decision. Launches of the new set are another function's in Cluster API.
fn scale_down_old(row: &Row) -> Answers {
    let limits = counts(row.number("max_surge"), row.number("max_unavailable"));
    let (old, new) = with_intents(row, "old_sets_oldest_first", "intents_before");
    let world =
        World::new(row.number("desired"), limits, &new.name).with(&old).with(std::slice::from_ref(&new));
    let all = || old.iter().chain([&new]);
    let after = |first: &First| {
        let size = |group: &Group| (group.name.clone(), group.size() - first.left(&group.name));
        written(&all().map(size).collect())
    };
    let specs = [sets(row.text("new_set")), sets(row.text("old_sets_oldest_first"))].concat();
    let mut peer: BTreeMap<String, u32> = specs.into_iter().map(|(name, [spec, ..])| (name, spec)).collect();
    peer.extend(sizes(row.text("expect_intents"), '='));
    Answers::new(written(&peer), world.answer(after))
}

/// The breaker takes one machine of an old set where nothing else moves; none of these rows is such a case. It is asked
/// for a fleet of ten with Cluster API's own default limits.
fn deadlock_breaker(row: &Row) -> Answers {
    let (old, new) = with_intents(row, "old_sets", "intents_before");
    let world = World::new(10, counts(1, 0), &new.name).with(&old).with(std::slice::from_ref(&new));
    assert_eq!(row.text("intents_before"), row.text("expect_intents"));
    Answers::new(
        "nothing leaves",
        world.answer(|first| match first.leaving.len() {
            0 => "nothing leaves".to_owned(),
            some => format!("{some} leave"),
        }),
    )
}

/// The sizes of all sets after one step of a rollout in Cluster API's golden files.
fn plan_steps(row: &Row) -> Answers {
    let target = row.text("target_set");
    let limits = counts(row.number("max_surge"), row.number("max_unavailable"));
    let group = |(name, [spec, actual, available]): (String, [u32; 3])| {
        let group = Group::set(&name, spec, actual, available);
        if name == target { group.booting() } else { group }
    };
    let groups: Vec<Group> = sets(row.text("sets_before")).into_iter().map(group).collect();
    let ours = World::new(row.number("desired"), limits, target).with(&groups).answer(|first| {
        let size = |group: &Group| {
            let launched = if group.name == target { first.launched } else { 0 };
            (group.name.clone(), group.size() + launched - first.left(&group.name))
        };
        written(&groups.iter().map(size).collect())
    });
    Answers::new(written(&sizes(row.text("expect_spec_after"), ':')), ours)
}
