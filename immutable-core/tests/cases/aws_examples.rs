//! The worked examples of CodeDeploy and of instance refresh.

use std::time::Duration;

use immutable_core::Quantity;
use immutable_core::gate::GateSpec;
use immutable_core::limits::Limits;
use immutable_core::plan::{Estimates, PlannedEvent};
use immutable_core::strategy::Stage;

use crate::table::{Answers, Row, Table};
use crate::world::{Group, World, counts};

pub(crate) const TABLES: &[Table] = &[Table { name: "aws_documented_examples", ask: example }];

const MINUTE: Duration = Duration::from_secs(60);

fn example(row: &Row) -> Answers {
    match (row.text("system"), row.text("setting").split_once(' ')) {
        ("CodeDeploy", Some(("HOST_COUNT", healthy))) => {
            let healthy: u32 = healthy.parse().unwrap();
            at_a_time(row, Quantity::Count(row.number("instances") - healthy))
        }
        // So many percent healthy is the rest of them unavailable, and one rounds up where the other rounds down.
        ("CodeDeploy", Some(("FLEET_PERCENT", healthy))) => {
            at_a_time(row, Quantity::Percent(100 - healthy.parse::<u32>().unwrap()))
        }
        ("ASG instance refresh", Some(("min", "healthy 0%"))) => all_at_once(row),
        ("ASG instance refresh", _) => checkpoints(row),
        ("ASG max instance lifetime", _) => lifetime(row),
        other => panic!("{other:?}"),
    }
}

/// How many leave at first, and how many stay healthy, of a fleet that replaces in place.
fn at_a_time(row: &Row, max_unavailable: Quantity) -> Answers {
    let instances = row.number("instances");
    let limits = Limits { max_surge: Quantity::Count(0), max_unavailable, ..Limits::default() };
    let healthy = limits.budget(instances).unwrap().min_available();
    let ours = World::new(instances, limits, "new").with(&[Group::ready("old", instances)]).answer(|first| {
        format!("up to {} at a time; success needs >= {healthy} deployed", first.left("old"))
    });
    Answers::new(row.text("expect"), ours)
}

fn all_at_once(row: &Row) -> Answers {
    let mut limits = counts(0, 0);
    limits.max_unavailable = Quantity::Percent(100);
    let sizes = [1, 2, 10, 1_000];
    let all = |size: u32| {
        World::new(size, limits.clone(), "new").with(&[Group::ready("old", size)]).first().left("old") == size
    };
    Answers::new(
        row.text("expect"),
        if sizes.into_iter().all(all) { "all at once" } else { "not all at once" },
    )
}

/// The predicted time line of two checkpoints with a delay after each, up to half of the fleet.
fn checkpoints(row: &Row) -> Answers {
    assert_eq!(row.text("setting"), "checkpoints [20,50], delay 15 min, min healthy 80%, warmup 10 min");
    let instances = row.number("instances");
    let mut limits = counts(0, 0);
    limits.max_unavailable = Quantity::Percent(20);
    limits.healthy_deadline = 15 * MINUTE;
    limits.progress_deadline = 60 * MINUTE;
    let mut world = World::new(instances, limits, "new").with(&[Group::ready("old", instances)]);
    let checkpoint = |percent| {
        let new = Quantity::Percent(percent).round_up(instances);
        Stage::new(new, instances - new).gate(GateSpec::Bake(15 * MINUTE))
    };
    world.strategy.stages = vec![checkpoint(20), checkpoint(50), Stage::new(instances, 0)];
    world.estimates = Estimates { launch_to_ready: 10 * MINUTE, drain_to_gone: Duration::ZERO };
    let plan = world.plan().unwrap();
    let mut events: Vec<(Duration, &str, u32)> = Vec::new();
    for step in plan.timeline.iter() {
        let what = match step.event {
            PlannedEvent::Retire { .. } => "replace",
            PlannedEvent::Available { .. } => "warm",
            PlannedEvent::Stage { stage: 2 } => break,
            _ => continue,
        };
        match events.last_mut() {
            Some((at, last, times)) if (*at, *last) == (step.at, what) => *times += 1,
            _ => events.push((step.at, what, 1)),
        }
    }
    let clock = |at: Duration| format!("{}:{:02}", at.as_secs() / 3600, at.as_secs() / 60 % 60);
    let shown = clock(events.last().unwrap().0);
    let warm: u32 = events.iter().filter(|(_, what, _)| *what == "warm").map(|(.., times)| times).sum();
    let event = |(at, what, times): &(Duration, &str, u32)| match *what {
        "warm" => format!("{} warm", clock(*at)),
        _ => format!("{} {what} {times}", clock(*at)),
    };
    let events: Vec<String> = events.iter().map(event).collect();
    Answers::new(
        row.text("expect"),
        format!("{}; {}% shown at {shown}", events.join("; "), warm * 100 / instances),
    )
}

/// How many of twenty leave at once when all of them are older than allowed. When they begin one after the other, before
/// time is short, is the rotation's own matter and asked with it.
fn lifetime(row: &Row) -> Answers {
    let mut limits = counts(0, 0);
    limits.max_unavailable = Quantity::Percent(10);
    let mut world = World::new(20, limits, "new");
    world.strategy.oldest = Some(Duration::from_secs(86_400));
    let group = Group { name: "aged".to_owned(), ..Group::ready("new", 20) };
    let ours = world
        .with(&[group])
        .answer(|first| format!("up to {}% of current capacity at once", first.left("aged") * 5));
    let peer = row.text("expect").split("; ").nth(1).unwrap().trim_end_matches(" when time is short");
    Answers::new(peer, ours)
}
