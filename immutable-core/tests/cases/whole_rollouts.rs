//! Rollouts from their beginning to their end, on the fleet in memory and in virtual time.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use immutable_core::controller::{Clock, Controller};
use immutable_core::fleet::Fleet;
use immutable_core::journal::MemoryStore;
use immutable_core::limits::Limits;
use immutable_core::plan::OnFailure;
use immutable_core::planner::{Conclusion, PlanRequest};
use immutable_core::strategy::Stage;
use immutable_core::{Digest, FleetId, Quantity, RolloutId, Seed};
use immutable_testkit::clock::VirtualClock;
use immutable_testkit::fleet::{EffectKind, MemoryFleet, MemoryFleetBuilder};
use tokio_util::sync::CancellationToken;

use crate::table::{Answers, Row, Table};
use crate::world::{Stages, counts, image, now, zone};

pub(crate) const TABLES: &[Table] = &[
    Table { name: "capi_scenarios", ask: scenario },
    Table { name: "swarm_failure_ratio", ask: failure_ratio },
    Table { name: "swarm_updater", ask: updater },
];

const DAY: Duration = Duration::from_secs(86_400);

/// A rollout of the image `new` that begins on a fleet as it is.
pub(crate) struct Run {
    pub(crate) clock: VirtualClock,
    pub(crate) fleet: Arc<MemoryFleet>,
    pub(crate) desired: u32,
    pub(crate) limits: Limits,
    pub(crate) strategy: Stages,
    pub(crate) on_failure: OnFailure,
}

impl Run {
    pub(crate) fn new(desired: u32, build: impl FnOnce(MemoryFleetBuilder) -> MemoryFleetBuilder) -> Self {
        let clock = VirtualClock::new(now());
        let fleet = MemoryFleet::builder(FleetId::new("web").unwrap(), clock.shared())
            .zones([zone("a")])
            .running(0, image("new"));
        Self {
            fleet: build(fleet).build(),
            clock,
            desired,
            limits: Limits::default(),
            strategy: Stages::new([Stage::new(desired, 0)]),
            on_failure: OnFailure::Rollback,
        }
    }

    /// Runs to the end, while somebody else does something.
    pub(crate) fn to_the_end(&self, meanwhile: impl Future<Output = ()>) -> Conclusion {
        let snapshot = self.clock.run(self.fleet.observe()).unwrap();
        let plan = PlanRequest::new(RolloutId::new("deploy-42").unwrap(), image("new"), self.desired)
            .limits(self.limits.clone())
            .zones(vec![zone("a")])
            .on_failure(self.on_failure)
            .plan(&snapshot, &self.strategy)
            .unwrap();
        let fleet = Arc::clone(&self.fleet) as Arc<dyn Fleet>;
        let controller = Controller::new(fleet, Arc::new(MemoryStore::new()), self.clock.shared());
        let token = CancellationToken::new();
        let both = async {
            let meanwhile = async {
                meanwhile.await;
                std::future::pending::<()>().await;
            };
            match select(pin!(controller.run(&plan, &token)), pin!(meanwhile)).await {
                Either::Left((conclusion, _)) => conclusion.unwrap(),
                Either::Right(_) => unreachable!(),
            }
        };
        self.clock.run_until(now() + DAY, both).unwrap_or_else(|stalled| panic!("{stalled:?}"))
    }

    async fn sleep(&self, time: Duration) {
        self.clock.sleep_until(self.clock.now() + time).await;
    }

    /// Ends instances of an image two seconds after their launch, before they are ready: those whose number, from 1, is
    /// one to end.
    pub(crate) async fn kill_launched(&self, image: Digest, dies: impl Fn(usize) -> bool) {
        let mut seen = 0;
        loop {
            self.sleep(Duration::from_secs(2)).await;
            let launched: Vec<_> = self.launches(image).collect();
            for (instance, number) in launched.iter().zip(1..).skip(seen) {
                if dies(number) {
                    // It may have been told to leave meanwhile.
                    let _ = self.fleet.kill(instance);
                }
            }
            seen = launched.len();
        }
    }

    fn launches(&self, wanted: Digest) -> impl Iterator<Item = immutable_core::InstanceId> + use<> {
        self.fleet.effects().into_iter().filter_map(move |effect| match effect.kind {
            EffectKind::Launched { instance, image, .. } if image == wanted => Some(instance),
            _ => None,
        })
    }

    /// How many of an image were launched.
    pub(crate) fn launched(&self, image: Digest) -> usize {
        self.launches(image).count()
    }

    /// How many of an image exist.
    fn existing(&self, image: Digest) -> usize {
        self.fleet.instances().iter().filter(|instance| instance.image == image).count()
    }
}

/// The instances of each set of a row, `name:spec/actual/available(instances)`.
fn sets(text: &str) -> BTreeMap<&str, Vec<&str>> {
    let set = |text| {
        let (name, rest) = str::split_once(text, ':').unwrap();
        let (_, members) = rest.trim_end_matches(')').split_once('(').unwrap();
        (name, members.split_whitespace().collect())
    };
    text.split('|').map(set).collect()
}

/// The sizes of all sets at the end of a rollout of Cluster API's golden files, and how many machines were made. In the
/// mode `on_delete` a user deletes old machines now and then, as many at a time as the scenario says; what only goes this
/// way is counted too.
fn scenario(row: &Row) -> Answers {
    let before = sets(row.text("initial_sets"));
    let after = sets(row.text("expect_final_sets"));
    let desired = row.number("desired_at_start");
    let size = |set: Option<&Vec<&str>>| u32::try_from(set.map_or(0, Vec::len)).unwrap();
    let target = *after.iter().find(|(_, members)| !members.is_empty()).unwrap().0;
    let digest = |name: &str| if name == target { image("new") } else { image(name) };
    let mut run = Run::new(desired, |mut fleet| {
        for (name, members) in &before {
            fleet = fleet.running(size(Some(members)), digest(name));
        }
        // Another order of what happens between the decisions.
        let jitter = if row.text("order") == "fixed" { 0 } else { 20 };
        fleet.boot_jitter(Duration::from_secs(jitter)).seed(Seed::new(row.number as u64))
    });
    let by_hand = row.text("mode") == "on_delete";
    run.limits = counts(row.maybe("max_surge").unwrap_or(1), row.maybe("max_unavailable").unwrap_or(0));
    if by_hand {
        run.strategy.stages[0] = Stage::new(desired, 0).passive();
        run.limits.progress_deadline = DAY;
    }
    let olds: Vec<Digest> =
        before.keys().map(|name| digest(name)).filter(|old| *old != image("new")).collect();
    let old = |instance: &immutable_core::fleet::Instance| olds.contains(&instance.image);
    let deleted = std::cell::Cell::new(0);
    let (_, at_a_time) = row.text("scenario").split_once("maxuserunavailable ").unwrap_or(("", "0"));
    let at_a_time: usize = at_a_time[..1].parse().unwrap();
    assert_eq!(by_hand, at_a_time > 0);
    let conclusion = run.to_the_end(async {
        if !by_hand {
            return;
        }
        loop {
            run.sleep(Duration::from_secs(600)).await;
            let alive = run.fleet.instances().into_iter().filter(|one| one.is_ready() && old(one));
            for instance in alive.take(at_a_time) {
                run.fleet.vanish(&instance.id).unwrap();
                deleted.set(deleted.get() + 1);
            }
        }
    });
    assert_eq!(conclusion, Conclusion::Completed);

    let existed = before.values().flatten().count();
    let old_before: usize =
        before.iter().filter(|(name, _)| **name != target).map(|(_, set)| set.len()).sum();
    let surplus = existed.saturating_sub(desired as usize);
    let peaks = run.fleet.peaks();
    let budget = run.limits.budget(desired).unwrap();
    assert!(peaks.max_total <= existed.max(budget.max_total() as usize), "{peaks:?}");
    assert!(by_hand || peaks.min_available >= existed.min(budget.min_available() as usize), "{peaks:?}");

    let text = |size: &dyn Fn(&str) -> usize, made: usize, deleted: usize| {
        let sizes: Vec<String> = after.keys().map(|name| format!("{name}:{}", size(name))).collect();
        let deleted = if by_hand { format!(", {deleted} deleted by hand") } else { String::new() };
        format!("{}, {made} made{deleted}", sizes.join("|"))
    };
    let known: Vec<&str> = before.values().flatten().copied().collect();
    let made = after[target].iter().filter(|member| !known.contains(member)).count();
    let peer = text(&|name| after[name].len(), made, old_before - surplus.min(old_before));
    let ours = text(&|name| run.existing(digest(name)), run.launched(image("new")), deleted.get());
    Answers::new(peer, ours)
}

/// Whether so many failures are too many.
fn failure_ratio(row: &Row) -> Answers {
    let slots = row.number("dirty_slots");
    let mut run = Run::new(slots, |fleet| fleet.running(slots, image("old")));
    run.limits = counts(0, 1);
    run.limits.max_failures = percent(row.text("max_failure_ratio"));
    let failures = row.number("failures") as usize;
    let conclusion = run.to_the_end(run.kill_launched(image("new"), |number| number <= failures));
    let triggered = match conclusion {
        Conclusion::RolledBack { .. } => true,
        Conclusion::Completed => false,
        other => panic!("{other:?}"),
    };
    Answers::new(row.text("expect_action_triggered"), triggered)
}

/// A ratio as hundredths.
fn percent(ratio: &str) -> Quantity {
    let ratio: f64 = ratio.parse().unwrap();
    serde_json::from_value(format!("{}%", (ratio * 100.0).round()).into()).unwrap()
}

/// What is left of the old and of the new, or how many of each were started, and how it ends.
fn updater(row: &Row) -> Answers {
    let (replicas, parallelism) = (row.number("replicas"), row.number("parallelism"));
    let stop = if row.text("task_behaviour").starts_with("old tasks never stop") { 100 } else { 1_000 };
    let mut run =
        Run::new(replicas, |fleet| fleet.running(replicas, image("old")).stop(Duration::from_millis(stop)));
    assert_eq!(row.text("order"), "stop-first");
    run.limits = counts(0, if parallelism == 0 { replicas } else { parallelism });
    run.limits.max_failures = match row.text("failure_action") {
        "continue" => Quantity::Count(u32::MAX),
        _ => percent(row.text("max_failure_ratio")),
    };
    if row.text("failure_action") != "rollback" {
        run.on_failure = OnFailure::Hold;
    }
    let began = run.clock.now();
    let behaviour = row.text("task_behaviour");
    let conclusion = run.to_the_end(async {
        let new = run.kill_launched(image("new"), |number| match behaviour {
            "every new task fails" => true,
            _ if behaviour.starts_with("image2") => number == 1 || number == 3,
            _ => false,
        });
        let old = run.kill_launched(image("old"), |_| behaviour.ends_with("every image1 task fails"));
        futures_util::join!(new, old);
    });
    let end = match conclusion {
        Conclusion::Completed => "",
        Conclusion::Failed { rollback: None, .. } => "paused",
        Conclusion::RolledBack { .. } => "rollback_completed",
        Conclusion::Failed { rollback: Some(_), .. } => "rollback_paused",
        other => panic!("{other:?}"),
    };
    let (old, new, state) = (row.text("expect_old_left"), row.text("expect_new"), row.text("expect_state"));
    match state.strip_prefix("at least ") {
        Some(_) => {
            assert!(run.clock.now().since(began) >= Duration::from_millis(100));
            let ours = format!("{} old, {} new", run.existing(image("old")), run.existing(image("new")));
            Answers::new(format!("{old} old, {new} new"), format!("{ours}{end}"))
        }
        None if old.is_empty() => {
            let started = [run.launched(image("new")), run.launched(image("old"))];
            let peer = new.replace(" then ", " ").replace(" started", "");
            Answers::new(
                format!("{peer}, {state}"),
                format!("{} image2 {} image1, {end}", started[0], started[1]),
            )
        }
        None => {
            let ours =
                format!("{} old, {} new, {end}", run.existing(image("old")), run.existing(image("new")));
            Answers::new(format!("{old} old, {new} new, {state}"), ours)
        }
    }
}
