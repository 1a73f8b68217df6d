//! Combinations of strategy, limits and fleet that look wrong: each is refused, or means something, and then it says here
//! what.

use std::fmt::Write as _;
use std::time::Duration;

use immutable_core::error::with_causes;
use immutable_core::fleet::Snapshot;
use immutable_core::limits::{LaunchRate, Limits, Poison, RollbackLimits};
use immutable_core::plan::{Estimates, Plan};
use immutable_core::planner::{PlanError, PlanRequest};
use immutable_core::strategy::{
    BlueGreen, Canary, CanaryStep, Opportunistic, Recreate, Rolling, RollingBlueGreen, RolloutStrategy,
    Share, SlotOrder, Stage, StrategyContext, StrategyError, Waves,
};

use crate::table::assert_golden;
use crate::world::{NOW, count, fleet, instance, limits, of, percent, v, zones};

/// What comes of a combination.
enum Comes {
    Refused,
    /// It is allowed, and this is what it means.
    Means(&'static str),
}
use Comes::{Means, Refused};

/// A whole test: what is combined, of what, and what comes of it.
#[derive(Default)]
struct Combinations {
    text: String,
    wrong: Vec<String>,
}

impl Combinations {
    fn add(
        &mut self,
        what: &str,
        comes: &Comes,
        request: &PlanRequest,
        fleet: &Snapshot,
        strategy: &dyn RolloutStrategy,
    ) {
        let planned = request.plan(fleet, strategy);
        let as_said = match comes {
            Refused => planned.is_err(),
            Means(_) => planned.is_ok(),
        };
        if !as_said {
            self.wrong.push(what.to_owned());
        }
        let text = match (&planned, comes) {
            (Ok(plan), Means(meaning)) => format!("{meaning}: {}", shown(plan)),
            (Ok(plan), Refused) => shown(plan),
            (Err(error), _) => refusal(error),
        };
        writeln!(self.text, "{what}\n    {text}").unwrap();
    }

    /// As `add`, of so many desired ones that all exist.
    fn whole(
        &mut self,
        what: &str,
        comes: &Comes,
        desired: u32,
        limits: Limits,
        strategy: &dyn RolloutStrategy,
    ) {
        self.add(what, comes, &of(desired).limits(limits), &fleet(desired), strategy);
    }
}

fn refusal(error: &PlanError) -> String {
    format!("refused: {}", with_causes(error))
}

fn shown(plan: &Plan) -> String {
    let stages: Vec<String> = plan.spec.stages.iter().map(ToString::to_string).collect();
    let stands = if plan.unfinished.is_some() { ", then stands still" } else { "" };
    format!("[{}] in {:?}{stands}", stages.join(" | "), plan.makespan)
}

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn one_more() -> Limits {
    limits(count(1), count(0))
}

fn step(size: u32) -> CanaryStep {
    CanaryStep::new(count(size)).bake(secs(60))
}

fn share(hundredths: u8) -> Share {
    Share::new(hundredths).unwrap()
}

/// Stages as somebody's own strategy may return them.
#[derive(Debug)]
struct Own(Vec<Stage>);

impl RolloutStrategy for Own {
    fn name(&self) -> &'static str {
        "own"
    }

    fn stages(&self, _: &StrategyContext) -> Result<Vec<Stage>, StrategyError> {
        Ok(self.0.clone())
    }
}

#[test]
fn strategies_and_limits() {
    let mut all = Combinations::default();
    let four_more = || limits(count(4), count(0));
    let hold = BlueGreen::new().hold(secs(60));
    all.whole("blue/green, surge of one less than all", &Refused, 4, limits(count(3), count(4)), &hold);
    all.whole(
        "blue/green, surge of 76% of four",
        &Means("rounds up to all"),
        4,
        limits(percent(76), count(0)),
        &hold,
    );
    all.whole(
        "rolling blue/green, surge of 75%",
        &Refused,
        4,
        limits(percent(75), count(0)),
        &RollingBlueGreen::new(),
    );
    let traffic = RollingBlueGreen::new().steps([share(50)]).bake(secs(60));
    all.whole(
        "shares that do not end at 100",
        &Means("all the rest of the traffic follows"),
        4,
        four_more(),
        &traffic,
    );
    all.whole(
        "canary of more than the fleet",
        &Means("one old instance stays"),
        4,
        one_more(),
        &Canary::new(step(9)),
    );
    all.whole(
        "canary of more than the fleet of one",
        &Means("beside the old one"),
        1,
        one_more(),
        &Canary::new(step(9)),
    );
    let beside = Canary::new(step(5)).beside_all();
    all.whole(
        "canary of more than the fleet beside all of it",
        &Means("as many as the fleet"),
        4,
        four_more(),
        &beside,
    );
    all.whole(
        "canary beside all, no surge",
        &Refused,
        4,
        limits(count(0), count(1)),
        &Canary::new(step(1)).beside_all(),
    );
    all.whole("recreate, one must stay available", &Refused, 4, limits(count(0), count(3)), &Recreate::new());
    all.whole("recreate, 100%", &Means("all at once"), 4, limits(count(0), percent(100)), &Recreate::new());
    all.whole(
        "more than 100% unavailable",
        &Means("all may be missing"),
        4,
        limits(count(0), percent(150)),
        &Rolling::new(),
    );
    all.whole(
        "more than 100% surge",
        &Means("all new ones at once"),
        4,
        limits(percent(150), count(0)),
        &Rolling::new(),
    );
    let one_version = |limits: Limits| Limits { max_versions: Some(1), ..limits };
    all.whole(
        "one version at a time, rolling",
        &Refused,
        4,
        one_version(limits(count(1), count(1))),
        &Rolling::new(),
    );
    all.whole(
        "one version at a time, all may be missing",
        &Means("the old ones stop before the new ones start"),
        4,
        one_version(limits(count(0), count(4))),
        &Recreate::new(),
    );
    all.whole("one version at a time, blue/green", &Refused, 4, one_version(four_more()), &hold);
    let by_zone = |limits: Limits| Limits { one_zone_at_a_time: true, ..limits };
    let zoned = |surge, unavailable, limits: Limits| Limits {
        max_surge_per_zone: Some(count(surge)),
        max_unavailable_per_zone: Some(count(unavailable)),
        ..limits
    };
    let both = || limits(count(2), count(2));
    all.whole(
        "one zone at a time, nothing may move in a zone",
        &Refused,
        4,
        by_zone(zoned(0, 0, both())),
        &Rolling::new(),
    );
    all.whole(
        "one zone at a time, a hashed sample over all zones",
        &Means("the zones go on one after the other"),
        4,
        by_zone(one_more()),
        &Canary::new(step(2)),
    );
    let descending = Rolling::new().order(SlotOrder::Descending);
    all.whole("one zone at a time, downwards", &Means("by zone first"), 4, by_zone(one_more()), &descending);
    all.whole(
        "blue/green, no zone may have one more",
        &Refused,
        4,
        zoned(0, 2, limits(count(4), count(1))),
        &hold,
    );
    let back = |max_surge, max_unavailable| Some(RollbackLimits { max_surge, max_unavailable });
    let no_way_back = Limits { rollback: back(count(1), count(0)), ..limits(count(0), count(4)) };
    all.whole("recreate, no way back", &Refused, 4, no_way_back, &Recreate::new());
    let nothing_back = Limits { rollback: back(percent(0), percent(1)), ..one_more() };
    all.whole("way back of nothing", &Refused, 4, nothing_back, &Rolling::new());
    let end = Stage::new(4, 0);
    let held = end.clone().passive().gate(immutable_core::gate::GateSpec::Bake(secs(60)));
    all.whole(
        "passive stage that bakes",
        &Means("bakes when all have gone by themselves"),
        4,
        one_more(),
        &Own(vec![held]),
    );
    all.whole("passive", &Means("waits for them to go"), 4, one_more(), &Opportunistic::new());
    all.whole(
        "more new ones than desired",
        &Means("no more than are desired"),
        4,
        one_more(),
        &Own(vec![Stage::new(6, 0), end.clone()]),
    );
    all.whole(
        "more old ones than desired",
        &Means("what exists stays"),
        4,
        one_more(),
        &Own(vec![Stage::new(0, 6), end.clone()]),
    );
    let bare = Stage::new(1, 3).baseline(4);
    all.whole(
        "larger baseline than old ones",
        &Means("as many as there are old ones"),
        4,
        one_more(),
        &Own(vec![bare, end.clone()]),
    );
    let back_and_forth = Own(vec![Stage::new(4, 0).share(share(100)), Stage::new(4, 0).share(Share::NONE)]);
    all.whole("traffic that goes back in the end", &Refused, 4, one_more(), &back_and_forth);
    assert_golden!("combinations_strategies", all.text);
    assert_eq!(all.wrong, [] as [&str; 0], "{}", all.text);
}

#[test]
fn limits_and_times() {
    let mut all = Combinations::default();
    let mut rolling = |what, comes, limits| all.whole(what, &comes, 4, limits, &Rolling::new());
    let deadlines = |healthy, ready, progress| Limits {
        healthy_deadline: secs(healthy),
        min_ready: secs(ready),
        progress_deadline: secs(progress),
        ..one_more()
    };
    rolling("longer ready than healthy", Means("counts from when it is ready"), deadlines(60, 300, 600));
    rolling("longer ready than progress", Refused, deadlines(60, 600, 600));
    rolling("no time to become healthy", Refused, deadlines(0, 0, 600));
    rolling(
        "no time to drain",
        Means("sessions are cut"),
        Limits { drain_deadline: Duration::ZERO, ..one_more() },
    );
    rolling("no progress deadline", Refused, deadlines(0, 0, 0));
    let rate = |burst, every| Limits { launch_rate: Some(LaunchRate { burst, every }), ..one_more() };
    rolling("launch rate of no burst", Refused, rate(0, secs(10)));
    rolling("launch rate without a time", Refused, rate(1, Duration::ZERO));
    rolling("launch rate slower than progress", Refused, rate(1, secs(600)));
    rolling("a slow launch rate with a burst of all", Means("nothing waits for it"), rate(4, secs(3600)));
    let poison = |failures, zones| Limits { poison: Some(Poison { failures, zones }), ..one_more() };
    rolling("poisoned by nothing", Refused, poison(0, 1));
    rolling("poisoned in no zone", Refused, poison(1, 0));
    rolling("poisoned in more zones than there are", Refused, poison(1, 3));
    rolling("poisoned in all zones", Means("where all of them see it fail"), poison(2, 2));
    let failures = |max_failures| Limits { max_failures, ..one_more() };
    rolling("more failures than instances", Means("only a deadline ends it"), failures(percent(150)));
    rolling("no failure", Means("the first one ends it"), failures(count(0)));
    let retries = |retries, retry_delay| Limits { max_retries: Some(retries), retry_delay, ..one_more() };
    rolling("no retry", Means("a slot fails once"), retries(0, Duration::ZERO));
    rolling("a rest longer than the longest", Means("rests for the longest"), retries(9, secs(3600)));
    rolling("no version", Refused, Limits { max_versions: Some(0), ..one_more() });
    let drain = |secs: Duration| Limits { drain_deadline: secs, ..one_more() };
    rolling("longer drain than progress", Refused, drain(secs(600)));
    rolling("a drain just shorter than progress", Means("as long as drains take"), drain(secs(599)));
    rolling(
        "zones that may all miss more than exists",
        Means("as many as there are"),
        Limits { max_unavailable_per_zone: Some(count(9)), ..limits(count(0), count(1)) },
    );
    let slow = Estimates { launch_to_ready: secs(9_000), drain_to_gone: secs(10) };
    all.add(
        "predicted launches longer than the healthy deadline",
        &Means("counts as the healthy deadline"),
        &of(4).limits(one_more()).estimates(slow),
        &fleet(4),
        &Rolling::new(),
    );
    let ages = Rolling::new().bake(Duration::MAX);
    all.whole("a stage that stands for ever", &Means("until the end of the calendar"), 4, one_more(), &ages);
    let twice = Waves::sizes([count(1), count(2)]).bake(Duration::MAX);
    all.whole("stages that stand for ever", &Means("until the end of the calendar"), 4, one_more(), &twice);
    let for_ever =
        Limits { healthy_deadline: Duration::MAX - secs(1), progress_deadline: Duration::MAX, ..one_more() };
    let never = Estimates { launch_to_ready: Duration::MAX, drain_to_gone: Duration::MAX };
    all.add(
        "predicted to last for ever",
        &Means("until the end of the calendar"),
        &of(4).limits(for_ever).estimates(never),
        &fleet(4),
        &Rolling::new(),
    );
    let rarely = Limits {
        min_ready: Duration::MAX - secs(700),
        progress_deadline: Duration::MAX,
        ..rate(1, Duration::MAX - secs(700))
    };
    all.whole(
        "limits that last for ever",
        &Means("until the end of the calendar"),
        4,
        rarely,
        &Rolling::new(),
    );
    assert_golden!("combinations_limits", all.text);
    assert_eq!(all.wrong, [] as [&str; 0], "{}", all.text);
}

#[test]
fn fleets() {
    let mut all = Combinations::default();
    let everything = || limits(percent(100), percent(100));
    let strategies: [(&str, Box<dyn RolloutStrategy>); 6] = [
        ("rolling", Box::new(Rolling::new())),
        ("blue/green", Box::new(BlueGreen::new().hold(secs(60)))),
        ("rolling blue/green", Box::new(RollingBlueGreen::new().bake(secs(60)))),
        ("canary", Box::new(Canary::new(step(1)))),
        ("waves", Box::new(Waves::new().bake(secs(60)))),
        ("recreate", Box::new(Recreate::new())),
    ];
    for (name, strategy) in &strategies {
        let none = of(0).limits(everything());
        let what = format!("none is desired of four: {name}");
        all.add(&what, &Means("all of them go"), &none, &fleet(4), &**strategy);
        let what = format!("none is desired and none exists: {name}");
        all.add(&what, &Means("nothing to do"), &none, &fleet(0), &**strategy);
    }
    let baseline = Canary::new(step(1).baseline());
    let empty = of(4).limits(everything());
    all.add("a baseline of nothing that runs", &Means("none is launched"), &empty, &fleet(0), &baseline);
    let shared = Canary::new(step(2).share(share(50)));
    all.add("traffic of nothing that runs", &Means("the new ones get all"), &empty, &fleet(0), &shared);
    let more = of(4).zones(zones(&["a", "b", "c", "d", "e"]));
    all.add("more zones than instances", &Means("some stay empty"), &more, &fleet(4), &Rolling::new());
    let elsewhere = of(4).zones(zones(&["c"]));
    all.add(
        "instances in zones that are not named",
        &Means("they move"),
        &elsewhere,
        &fleet(4),
        &Rolling::new(),
    );
    let mut three = fleet(4);
    let mut oldest = instance(3);
    oldest.image = v(0);
    three.instances[3] = oldest.into();
    let two_versions = of(4).limits(Limits { max_versions: Some(2), ..one_more() });
    all.add("a third version where two are allowed", &Refused, &two_versions, &three, &Rolling::new());
    let twice = vec![instance(0), instance(1), instance(1)];
    let twice = Snapshot::new(fleet(0).fleet, NOW, 0, twice);
    all.add("an instance that is listed twice", &Refused, &of(4), &twice, &Rolling::new());
    let quota = of(4).quota(4).limits(limits(count(0), count(1)));
    all.add("a quota of what is desired", &Means("one fewer at a time"), &quota, &fleet(4), &Rolling::new());
    all.add("a quota of less than is desired", &Refused, &of(4).quota(3), &fleet(4), &Rolling::new());
    let fewer = of(2).quota(3);
    all.add("as many as that refusal names", &Means("within the quota"), &fewer, &fleet(4), &Rolling::new());
    let beyond = of(4).quota(5);
    all.add(
        "a quota of less than exists",
        &Means("the surplus leaves first"),
        &beyond,
        &fleet(8),
        &Rolling::new(),
    );
    assert_golden!("combinations_fleets", all.text);
    assert_eq!(all.wrong, [] as [&str; 0], "{}", all.text);
}
