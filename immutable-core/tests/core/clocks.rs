//! Controllers whose clocks do not agree, one after the other and at once.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use immutable_core::calendar::{Calendar, Weekday};
use immutable_core::controller::{Clock, Controller, ControllerError, send_control};
use immutable_core::gate::{Gate, GateContext, GateError, Judgement, Verdict};
use immutable_core::journal::{Commit, Control, Fact, Fold, Journal, JournalError, JournalStore, Record};
use immutable_core::planner::{Conclusion, PlanRequest};
use immutable_core::strategy::Rolling;
use immutable_core::{GateName, Seed, Timestamp, WriterId};
use immutable_testkit::faulty::SkewedClock;
use tokio_util::sync::CancellationToken;

use crate::calendar::weekly;
use crate::scenario::{Scenario, secs, v};

const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// A clock up to a year ahead of the others, or behind them.
fn some_clock(scenario: &Scenario, seed: Seed) -> SkewedClock {
    let apart = Duration::from_nanos(seed.rank(b"apart") % u64::try_from(YEAR.as_nanos()).unwrap());
    match seed.rank(b"side") % 2 {
        0 => SkewedClock::ahead(scenario.clock.shared(), apart),
        _ => SkewedClock::behind(scenario.clock.shared(), apart),
    }
}

fn controller(scenario: &Scenario, name: &str, clock: SkewedClock) -> Controller {
    scenario.controller_by(Arc::new(clock)).with_writer(WriterId::new(name).unwrap())
}

/// Runs until so much time has passed; `None` if it was killed then.
fn live(
    scenario: &Scenario,
    controller: &Controller,
    plan: &immutable_core::plan::Plan,
    span: Duration,
) -> Option<Result<Conclusion, ControllerError>> {
    let token = CancellationToken::new();
    scenario.clock.run_until(scenario.now() + span, controller.run(plan, &token)).ok()
}

#[test]
fn sixteen_controllers_at_once_whose_clocks_are_a_year_apart() {
    for round in 0..20 {
        let bad = round % 2 == 1;
        let mut scenario = Scenario::new();
        scenario.limits.healthy_deadline = secs(60);
        let plan = scenario.plan(v(if bad { 3 } else { 2 }));
        let token = CancellationToken::new();
        let seed = Seed::new(round);
        let run = async |number: u64| {
            let seed = seed.child(&number.to_string());
            let controller = controller(&scenario, &format!("writer-{number}"), some_clock(&scenario, seed));
            let later = Duration::from_millis(seed.rank(b"later") % 40_000);
            scenario.clock.sleep_until(scenario.now() + later).await;
            controller.run(&plan, &token).await
        };
        let all = scenario.clock.run(futures_util::future::join_all((0..16).map(run)));
        let mut conclusions = Vec::new();
        for result in all {
            match result {
                Ok(conclusion) => conclusions.push(conclusion),
                Err(ControllerError::Journal(JournalError::Superseded { .. })) => {}
                Err(other) => panic!("round {round}: {other}"),
            }
        }
        // Who comes when it is over learns how it ended, and nobody learns anything else.
        conclusions.dedup();
        let [conclusion] = &conclusions[..] else { panic!("round {round}: {conclusions:?}") };
        assert_eq!(matches!(conclusion, Conclusion::RolledBack { .. }), bad, "{conclusion}");
        scenario.assert_safe();
        scenario.assert_ends_with(v(if bad { 1 } else { 2 }));
    }
}

#[test]
fn killed_and_followed_by_one_whose_clock_is_another_it_loses_nothing() {
    for round in 0..30 {
        let scenario = Scenario::new();
        let plan = scenario.plan(v(2));
        let seed = Seed::new(round);
        let conclusion = (0..400).find_map(|life: u64| {
            let seed = seed.child(&life.to_string());
            let controller = controller(&scenario, &format!("writer-{life}"), some_clock(&scenario, seed));
            let span = Duration::from_millis(1 + seed.rank(b"life") % 20_000);
            live(&scenario, &controller, &plan, span)
        });
        assert_eq!(conclusion.unwrap().unwrap(), Conclusion::Completed, "round {round}");
        scenario.assert_safe();
        scenario.assert_ends_with(v(2));
    }
}

#[test]
fn a_bad_image_is_put_back_though_three_machines_take_turns_all_the_time() {
    for round in 0..10 {
        let mut scenario = Scenario::new();
        scenario.limits.healthy_deadline = secs(60);
        let plan = scenario.plan(v(3));
        let seed = Seed::new(round);
        let clocks = [1, 2, 3].map(|machine| some_clock(&scenario, seed.child(&format!("{machine}"))));
        let conclusion = (0..400).find_map(|life: u64| {
            let seed = seed.child(&life.to_string());
            let clock = clocks[usize::try_from(seed.rank(b"machine") % 3).unwrap()].clone();
            let controller = controller(&scenario, &format!("writer-{life}"), clock);
            live(&scenario, &controller, &plan, Duration::from_millis(1 + seed.rank(b"life") % 9_000))
        });
        let conclusion = conclusion.unwrap().unwrap();
        assert!(matches!(conclusion, Conclusion::RolledBack { .. }), "round {round}: {conclusion}");
        scenario.assert_safe();
        scenario.assert_ends_with(v(1));
    }
}

#[test]
fn a_bake_lasts_as_long_as_it_must_whatever_the_clock_of_the_next_controller_shows() {
    for (after, ahead) in [(120, true), (120, false), (700, true), (899, true)] {
        let scenario = Scenario::new();
        let plan = scenario.plan_as(v(2), &Rolling::new().bake(secs(900)), Scenario::rollout());
        let new_for = |least| {
            let instances = scenario.fleet.instances();
            instances.iter().all(|one| one.image == v(2) && scenario.now().since(one.launched_at) >= least)
        };
        let first = controller(&scenario, "first", SkewedClock::ahead(scenario.clock.shared(), secs(0)));
        assert!(live(&scenario, &first, &plan, secs(after)).is_none());
        let clock = if ahead { SkewedClock::ahead } else { SkewedClock::behind };
        let second = controller(&scenario, "second", clock(scenario.clock.shared(), YEAR));
        let conclusion = live(&scenario, &second, &plan, secs(3600));
        assert_eq!(conclusion.unwrap().unwrap(), Conclusion::Completed);
        assert!(new_for(secs(900)), "{after} {ahead}: {}", scenario.log.text());
    }
}

#[test]
fn a_successor_on_the_same_clock_counts_the_time_in_which_nobody_was_at_work() {
    let scenario = Scenario::new();
    let plan = scenario.plan_as(v(2), &Rolling::new().bake(secs(900)), Scenario::rollout());
    assert!(live(&scenario, &scenario.controller(), &plan, secs(300)).is_none());
    scenario.clock.advance(secs(10_000));
    let resumed = scenario.now();
    assert_eq!(scenario.run(&plan).unwrap(), Conclusion::Completed);
    assert!(scenario.now().since(resumed) < secs(10), "{:?}", scenario.now().since(resumed));
}

#[test]
fn a_long_pause_is_no_lack_of_progress_though_who_ends_it_has_another_clock() {
    for by in [Duration::from_nanos(1), YEAR] {
        let scenario = Scenario::new();
        let plan = scenario.plan(v(2));
        let store: Arc<dyn JournalStore> = Arc::new(scenario.store.clone());
        let say = async |number: u32, control: Control| {
            let reading = SkewedClock::ahead(scenario.clock.shared(), by * number).read();
            let writer = WriterId::new(format!("job-{number}")).unwrap();
            send_control(Arc::clone(&store), &Scenario::rollout(), writer, control, &reading).await.unwrap();
        };
        let person = async {
            scenario.clock.sleep_until(scenario.now() + secs(15)).await;
            say(1, Control::Pause).await;
            scenario.clock.sleep_until(scenario.now() + secs(50_000)).await;
            say(2, Control::Resume).await;
        };
        let (controller, token) = (scenario.controller(), CancellationToken::new());
        let run = async { futures_util::join!(controller.run(&plan, &token), person) };
        let (conclusion, ()) = scenario.clock.run(run);
        assert_eq!(conclusion.unwrap(), Conclusion::Completed, "{}", scenario.log.text());
        scenario.assert_safe();
        scenario.assert_ends_with(v(2));
    }
}

#[test]
fn what_a_foreign_clock_dates_holds_from_when_it_is_taken_up() {
    let scenario = Scenario::new();
    let plan = scenario.plan(v(2));
    let controller = scenario.controller();
    assert!(live(&scenario, &controller, &plan, secs(15)).is_none());
    let store: Arc<dyn JournalStore> = Arc::new(scenario.store.clone());
    let load = || {
        scenario.clock.run(Journal::load(Arc::clone(&store), Scenario::rollout(), writer("reader"))).unwrap()
    };
    let before_it = load().fold().clone();
    let before = before_it.state().unwrap().clone();
    // A stage may be complete by a word: when that was said decides how long it has baked.
    let smaller = Control::Resize { desired: 4 };
    let said = SkewedClock::ahead(scenario.clock.shared(), YEAR).read();
    scenario.clock.run(async {
        let store = Arc::clone(&store);
        send_control(store, &Scenario::rollout(), writer("person"), smaller.clone(), &said).await.unwrap();
    });
    scenario.clock.advance(secs(70));
    let journal = load();
    assert!(journal.fold().has_unheard());
    assert_eq!(journal.state().unwrap(), &before, "nobody has taken it up");

    let reading = scenario.clock.read();
    let now = journal.fold().time(&reading);
    let mut fold: Fold = journal.fold().clone();
    let commit = Commit {
        seq: fold.len() + 1,
        prev: fold.head(),
        writer: writer("runs"),
        epoch: fold.claim().unwrap().1,
        clock: reading.clock,
        at: reading.at,
        records: vec![Record::Fact(Fact::TakenUp)],
    };
    fold.apply(&commit, commit.encode().1).unwrap();
    let mut heard = journal.fold().clone();
    heard.record(&Record::Fact(Fact::TakenUp), now).unwrap();
    assert_eq!(fold.state(), heard.state());
    assert!(!fold.has_unheard() && !heard.has_unheard());
    // The fold of all but what the person wrote.
    let mut said_now = before_it;
    said_now.record(&Record::Control(smaller), now).unwrap();
    assert_eq!(fold.state(), said_now.state(), "as if it had been said just now");
    assert_ne!(fold.state(), Some(&before));
}

fn writer(name: &str) -> WriterId {
    WriterId::new(name).unwrap()
}

#[test]
fn the_calendar_is_asked_by_what_the_clock_of_the_present_controller_shows() {
    let mut scenario = Scenario::with(40, |fleet| fleet.running(40, v(1)));
    scenario.limits.max_surge = immutable_core::Quantity::Count(1);
    let calendar = Calendar::builder().window(weekly(Weekday::ALL, "10:00", "10:20")).build().unwrap();
    let snapshot = scenario.clock.run(async {
        use immutable_core::fleet::Fleet;
        scenario.fleet.observe().await.unwrap()
    });
    let plan = PlanRequest::new(Scenario::rollout(), v(2), 40)
        .limits(scenario.limits.clone())
        .zones(scenario.zones.clone())
        .calendar(calendar)
        .plan(&snapshot, &Rolling::new())
        .unwrap();
    assert!(live(&scenario, &scenario.controller(), &plan, secs(60)).is_none());
    // Nobody is at work for eighteen minutes. The next machine has a clock that is right, but that nobody knew.
    scenario.clock.advance(secs(18 * 60));
    let machine = SkewedClock::ahead(scenario.clock.shared(), Duration::from_millis(1));
    let closes: Timestamp = "2026-11-23T10:20:00Z".parse().unwrap();
    let opens: Timestamp = "2026-11-24T10:00:00Z".parse().unwrap();
    let result = live(&scenario, &controller(&scenario, "second", machine), &plan, secs(2 * 86_400));
    assert_eq!(result.unwrap().unwrap(), Conclusion::Completed);
    let launched = scenario.fleet.effects().into_iter().filter_map(|effect| {
        let is_launch = matches!(effect.kind, immutable_testkit::fleet::EffectKind::Launched { .. });
        is_launch.then_some(effect.at)
    });
    let launched: Vec<_> = launched.collect();
    assert!(launched.iter().all(|at| *at < closes || *at + secs(1) >= opens), "{launched:?}");
    assert!(launched.iter().any(|at| *at > closes.saturating_sub(secs(100)) && *at < closes), "{launched:?}");
    assert!(launched.iter().any(|at| *at < opens + secs(60) && *at + secs(1) >= opens), "{launched:?}");
}

/// Passes at once, and remembers what it was asked.
#[derive(Debug, Default)]
struct Remembers(Mutex<Vec<(Timestamp, Timestamp)>>);

#[async_trait::async_trait]
impl Gate for Remembers {
    async fn evaluate(&self, context: &GateContext) -> Result<Judgement, GateError> {
        self.0.lock().unwrap().push((context.since, context.now));
        Ok(Judgement::new(Verdict::Pass, "error rate", "0 %"))
    }
}

#[test]
fn a_check_is_asked_for_the_time_that_the_clock_of_its_controller_shows() {
    let scenario = Scenario::new();
    let name = GateName::new("errors").unwrap();
    let strategy = Rolling::new().check(name.clone());
    let plan = scenario.plan_as(v(2), &strategy, Scenario::rollout());
    let gate = Arc::new(Remembers::default());
    let shared = || Arc::clone(&gate) as Arc<dyn Gate>;
    let first = scenario.controller().with_gate(name.clone(), shared());
    assert!(live(&scenario, &first, &plan, secs(10)).is_none());
    let clock = SkewedClock::ahead(scenario.clock.shared(), YEAR);
    let second = controller(&scenario, "second", clock.clone()).with_gate(name, shared());
    let began = clock.now();
    assert_eq!(live(&scenario, &second, &plan, secs(3600)).unwrap().unwrap(), Conclusion::Completed);
    let asked = gate.0.lock().unwrap().clone();
    assert!(!asked.is_empty());
    for (since, now) in asked {
        assert!(began < since && since <= now && now <= clock.now(), "{began} {since} {now}");
    }
}
