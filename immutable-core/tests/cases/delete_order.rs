//! Which machines of a set Cluster API deletes first.

use std::time::Duration;

use immutable_core::fleet::{Health, Phase};
use immutable_core::strategy::Stage;
use immutable_core::{InstanceId, Quantity};

use crate::table::{Answers, Row, Table};
use crate::world::{World, counts, image, now};

pub(crate) const TABLES: &[Table] = &[Table { name: "capi_delete_order", ask: delete_order }];

const HOUR: u64 = 3600;

/// What is known of a machine of the tables, and its age in hours. Cluster API's policies for the age are `Random`,
/// `Newest` and `Oldest`.
fn machine(name: &str) -> (Phase, u64) {
    let ready = Phase::Running(Health::Ready);
    match name {
        "oldest" => (ready, 100),
        "secondOldest" => (ready, 80),
        "secondNewest" => (ready, 40),
        "newest" => (ready, 20),
        // Without a time of birth it counts as the youngest.
        "empty" => (ready, 1),
        "healthyMachine" | "machineWithUpdateInProgressAnnotation" | "deleteMachineWithMachineAnnotation" => {
            (ready, 60)
        }
        "mustDeleteMachine" => (Phase::Stopping, 60),
        "deleteMachineWithoutNodeRef" => (Phase::Launching, 0),
        "nodeHealthyConditionUnknownMachine" => (Phase::Running(Health::Unknown), 60),
        "betterDeleteMachine"
        | "nodeHealthyConditionFalseMachine"
        | "healthCheckSucceededConditionFalseMachine"
        | "unhealthyMachineA"
        | "unhealthyMachineZ" => (Phase::Running(Health::Unready), 60),
        other => panic!("unknown machine {other}"),
    }
}

/// The machines that leave, in their order, where all but `count` of them are kept and every one may be missing.
fn delete_order(row: &Row) -> Answers {
    let candidates: Vec<&str> = row.text("candidates").split('|').collect();
    let all = u32::try_from(candidates.len()).unwrap();
    let mut limits = counts(1, 0);
    limits.max_unavailable = Quantity::Percent(100);
    let mut world = World::new(all, limits, "new");
    world.strategy.stages.insert(0, Stage::new(0, all.saturating_sub(row.number("count"))));
    let mut stopping = Vec::new();
    for (number, name) in candidates.into_iter().enumerate() {
        let (phase, age) = machine(name);
        if phase == Phase::Stopping {
            stopping.push(name.to_owned());
        }
        let id = format!("{number}-{name}");
        if name == "deleteMachineWithMachineAnnotation" {
            world.strategy.requested.insert(InstanceId::new(&id).unwrap());
        }
        world.add(&id, image("old"), phase).launched_at =
            now().saturating_sub(Duration::from_secs(age * HOUR));
    }
    let ours = world.answer(|first| {
        let name = |id: &InstanceId| id.as_str().split_once('-').unwrap().1.to_owned();
        let leaving: Vec<String> = stopping.iter().cloned().chain(first.leaving.iter().map(name)).collect();
        leaving.join("|")
    });
    Answers::new(row.text("expect_deleted_in_order"), ours)
}
