//! Nomad's reconciler: what becomes of the allocations of a group.

use std::collections::BTreeSet;

use immutable_core::fleet::{Health, Origin, Phase};
use immutable_core::gate::GateSpec;
use immutable_core::plan::Step;
use immutable_core::planner::{Conclusion, Decision, FailReason, RolloutState, decide};
use immutable_core::strategy::Stage;
use immutable_core::{Attempt, GateName, InstanceId, Quantity, RolloutId, Slot, Token};

use crate::table::{Answers, Row, Table};
use crate::world::{World, counts, image, now};

pub(crate) const TABLES: &[Table] = &[Table { name: "nomad_reconcile_update", ask: reconcile }];

type Names = BTreeSet<u32>;

/// Names as the table writes them: `0-1,10-14`.
fn names(text: &str) -> Names {
    let range = |text: &str| {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        first.parse::<u32>().unwrap()..=last.parse().unwrap()
    };
    text.split(',').filter(|text| !text.is_empty()).flat_map(range).collect()
}

/// What happens to the names of a group.
#[derive(Debug, Default)]
struct Moves {
    /// Started without anything having to leave for it.
    placed: Names,
    /// Stopped and started anew: Nomad's destructive updates and its migrations.
    replaced: Names,
    /// Stopped, or removed after they had ended.
    stopped: Names,
}

/// A job that was stopped wants nothing any more, and what was deployed before does not matter.
fn is_stopped(row: &Row) -> bool {
    row.text("case").starts_with("stopped")
}

/// The fleet of a row. `max_parallel` is the number that may be missing; without it everything may be done at once.
/// Canaries are a first stage above the desired number, which somebody must promote.
fn world(row: &Row) -> World {
    let count = if is_stopped(row) { 0 } else { row.number("count") };
    let canaries = row.maybe("canary").filter(|_| row.text("promoted") != "true").unwrap_or(0);
    let mut limits = counts(canaries, 0);
    limits.max_unavailable = match row.maybe("max_parallel").unwrap_or(0) {
        0 => Quantity::Percent(100),
        some => Quantity::Count(some),
    };
    let mut world = World::new(count, limits, "new");
    if canaries > 0 {
        let promoted = GateSpec::Approval(GateName::new("promoted").unwrap());
        world.strategy.stages.insert(0, Stage::new(canaries, count).gate(promoted));
    }

    let is_older = row.flag("deployment_of_older_version");
    let unchanged = row.text("change_kind") == "none";
    let group = |column| names(row.text(column));
    let (new, ended) = (group("new_idx"), &group("lost_idx") | &group("failed_idx"));
    let canary: Names = &group("canary_idx") - &new;
    let healthy = |names: Names| move |name: &u32| names.contains(name);
    let is_new_healthy = healthy(group("new_healthy_idx"));
    let is_canary_healthy = healthy(group("canary_healthy_idx"));
    // Where there are canaries, it is they that are lost or on a node that drains.
    let drains = group("draining_idx");
    let concerns = |is_canary: bool| canary.is_empty() || is_canary;
    let mut add = |kind: &str, version: &str, name: u32, healthy: bool, concerned: bool| {
        let id = InstanceId::new(format!("{kind}-{name:03}")).unwrap();
        let phase = match healthy {
            _ if concerned && ended.contains(&name) => Phase::Stopped { reason: "lost or failed".to_owned() },
            true => Phase::Running(Health::Ready),
            false => Phase::Launching,
        };
        if concerned && drains.contains(&name) {
            world.strategy.requested.insert(id.clone());
        }
        let (rollout, slot, attempt) = (RolloutId::new("before").unwrap(), Slot(name), Attempt(1));
        let token = Token::of(&rollout, slot, attempt);
        let instance = world.add(id.as_str(), image(version), phase);
        instance.origin = Some(Origin { rollout, slot, attempt, token });
    };
    for name in group("old_idx") {
        add("old", if unchanged { "new" } else { "old" }, name, true, concerns(false));
    }
    for name in &new {
        add("present", "new", *name, is_new_healthy(name), concerns(false));
    }
    for name in &canary {
        let version = if is_older { "older" } else { "new" };
        add("older-canary", version, *name, is_older || is_canary_healthy(name), concerns(true));
    }
    world
}

/// A rollout of the row's own that was paused or has failed.
fn state(row: &Row, world: &World) -> RolloutState {
    let (_, mut state) = world.state();
    let is_former = row.flag("deployment_of_older_version") || is_stopped(row);
    match if is_former { "none" } else { row.text("deployment_status") } {
        "none" | "running" | "successful" => {}
        "paused" => state.paused(),
        "failed" if state.way_back().is_some() => state.turned_back(FailReason::Requested, now()).unwrap(),
        "failed" => {
            let reason = FailReason::Requested;
            state.ending(Conclusion::Failed { reason, rollback: None }).unwrap();
        }
        other => panic!("{other}"),
    }
    state.settle(now());
    state
}

/// What is done until something new must become ready: what leaves is gone at once, what is launched never is ready.
fn moves(world: &World, mut state: RolloutState) -> Moves {
    let (mut launched, mut left) = (Names::new(), Vec::new());
    while let Decision::Act(steps) = decide(&state, now()) {
        for step in steps {
            let op = state.next_op();
            match step {
                Step::Launch { seat, zone, image } => {
                    launched.insert(seat.slot.0);
                    state.launch_intended(op, seat, zone, image, now()).unwrap();
                }
                Step::Retire { seat } => {
                    left.push(state.member(seat).unwrap().instance.unwrap().clone());
                    state.retire_intended(op, seat, now()).unwrap();
                    state.retired(op).unwrap();
                }
                other => panic!("{other:?}"),
            }
        }
        state.settle(now());
    }
    let mut moves = Moves::default();
    for id in left {
        let instance = world.instances.iter().find(|instance| instance.id == id).unwrap();
        let name = instance.origin.as_ref().unwrap().slot.0;
        let had_ended = matches!(instance.phase, Phase::Stopped { .. });
        let makes_room = !had_ended && !id.as_str().starts_with("older-canary") && launched.contains(&name);
        if makes_room { &mut moves.replaced } else { &mut moves.stopped }.insert(name);
    }
    moves.placed = &launched - &moves.replaced;
    moves
}

/// What is placed, replaced and stopped, by names where the table has them and by numbers where it has none.
fn reconcile(row: &Row) -> Answers {
    let group = |column| names(row.text(column));
    let (place, stop) = (group("expect_place_idx"), group("expect_stop_idx"));
    let destructive = group("expect_destructive_idx");
    let migrated: Names = match row.number("expect_migrate") {
        0 => Names::new(),
        _ => &(&place & &stop) & &group("draining_idx"),
    };
    let migrate = u32::try_from(migrated.len()).unwrap();
    assert_eq!(row.number("expect_migrate"), migrate);
    let world = world(row);
    let ours = moves(&world, state(row, &world));

    let told = |names: &Names, number: u32| match (number, names.len()) {
        (0, _) => "none".to_owned(),
        (_, 0) => number.to_string(),
        _ => format!("{names:?}"),
    };
    let as_told = |peers: &Names, names: &Names| match (peers.len(), names.len()) {
        (0, number) => told(&Names::new(), u32::try_from(number).unwrap()),
        _ => told(names, u32::try_from(names.len()).unwrap()),
    };
    let peer = [
        told(&(&place - &migrated), row.number("expect_place") - migrate),
        told(&(&destructive | &migrated), row.number("expect_destructive") + migrate),
        told(&(&stop - &migrated), row.number("expect_stop") - migrate),
        told(&Names::new(), row.number("expect_inplace")),
    ];
    let ours = [
        as_told(&(&place - &migrated), &ours.placed),
        as_told(&(&destructive | &migrated), &ours.replaced),
        as_told(&(&stop - &migrated), &ours.stopped),
        // Nothing is ever changed in place.
        "none".to_owned(),
    ];
    let text = |[place, replace, stop, in_place]: [String; 4]| {
        format!("place {place}; replace {replace}; stop {stop}; change in place {in_place}")
    };
    Answers::new(text(peer), text(ours))
}
