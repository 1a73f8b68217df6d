//! In which order BOSH updates the instances of a group.

use std::time::Duration;

use immutable_core::fleet::{Health, Phase};
use immutable_core::limits::Limits;
use immutable_core::plan::{Estimates, OnFailure, PlannedEvent, Seat};
use immutable_core::planner::Conclusion;
use immutable_core::strategy::{SlotOrder, Stage};
use immutable_core::{InstanceId, Quantity};
use immutable_testkit::fleet::MemoryFleetBuilder;

use crate::table::{Answers, Row, Table};
use crate::whole_rollouts::Run;
use crate::world::{World, image, quantity, zone};

pub(crate) const TABLES: &[Table] = &[Table { name: "bosh_update_order", ask: update_order }];

/// An instance as the table writes it: `id:zone:whether it is changed`.
#[derive(Debug)]
struct Listed<'a> {
    id: &'a str,
    zone: &'a str,
    state: &'a str,
}

fn listed(text: &str) -> Listed<'_> {
    let cells: Vec<&str> = text.splitn(3, ':').collect();
    Listed { id: cells[0], zone: if cells[1] == "-" { "z1" } else { cells[1] }, state: cells[2] }
}

/// The predicted order in which instances are replaced: `;` between those after each other, `|` between those at the same
/// time. The first ones and then each zone are a stage of their own.
fn update_order(row: &Row) -> Answers {
    let text = row.text("instances");
    // An errand without a machine has none to replace.
    let listed: Vec<Listed<'_>> =
        if text.contains("no vm") { Vec::new() } else { text.split(',').map(listed).collect() };
    let changed = |zone: &str| {
        let changed = listed.iter().filter(|one| one.zone == zone && one.state == "yes");
        u32::try_from(changed.count()).unwrap()
    };
    let all = u32::try_from(listed.len()).unwrap();
    let limits = Limits {
        max_surge: Quantity::Count(0),
        max_unavailable: quantity(row.text("max_in_flight")),
        ..Limits::default()
    };
    let mut world = World::new(all, limits, "new");
    world.zones = vec![zone("z1"), zone("z2")];
    world.estimates = Estimates { launch_to_ready: Duration::from_secs(60), drain_to_gone: Duration::ZERO };
    for one in &listed {
        if one.state == "ignored" {
            world.strategy.ignored.insert(InstanceId::new(one.id).unwrap());
        }
        let image = image(if one.state == "no" { "new" } else { "old" });
        world.add(one.id, image, Phase::Running(Health::Ready)).zone = zone(one.zone);
    }
    let first_ones = quantity(row.text("canaries")).round_down(changed("z1")).min(changed("z1"));
    let unchanged = all - changed("z1") - changed("z2");
    let stage = |new: u32| Stage::new(unchanged + new, all - unchanged - new);
    let zones = [first_ones, changed("z1"), changed("z1") + changed("z2")];
    world.strategy.stages = zones.into_iter().map(stage).collect();
    world.strategy.stages.push(Stage::new(all, 0));
    world.strategy.order = SlotOrder::ZoneByZone;
    let ours = phases(&world);
    if row.text("failing").is_empty() {
        return Answers::new(row.text("expect_phases").replace("(canary)", ""), ours);
    }
    // It is the last one that fails in this row.
    assert_eq!(Some(row.text("failing")), ours.rsplit(" ; ").next());
    Answers::new(row.text("expect_phases").replace("(canary)", ""), format!("{ours}{}", second_fails(&world)))
}

fn phases(world: &World) -> String {
    let plan = world.plan().unwrap();
    let id = |seat: Seat| {
        let adopted = plan.initial.iter().find(|adopted| adopted.seat == seat).unwrap();
        adopted.instance.id.to_string()
    };
    let mut phases: Vec<(Duration, String)> = Vec::new();
    for step in plan.timeline.iter() {
        let PlannedEvent::Retire { seat } = step.event else { continue };
        match phases.last_mut() {
            Some((at, phase)) if *at == step.at => *phase = format!("{phase}|{}", id(seat)),
            _ => phases.push((step.at, id(seat))),
        }
    }
    phases.into_iter().map(|(_, phase)| phase).collect::<Vec<_>>().join(" ; ")
}

/// The whole rollout, where the second launched instance ends by itself.
fn second_fails(world: &World) -> &'static str {
    let old = |fleet: MemoryFleetBuilder| fleet.running(2, image("old")).running(1, image("new"));
    let mut run = Run::new(world.desired, old);
    run.limits = Limits { max_failures: Quantity::Count(0), ..world.limits.clone() };
    run.strategy = world.strategy.clone();
    run.on_failure = OnFailure::Hold;
    let conclusion = run.to_the_end(async {
        run.kill_launched(image("new"), |launched| launched == 2).await;
    });
    match conclusion {
        Conclusion::Failed { .. } if run.launched(image("new")) == 2 => " failed",
        _ => "",
    }
}
