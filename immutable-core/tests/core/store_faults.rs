//! Stores that lose answers, fail, are full, or are written to by somebody else at the same moment.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use immutable_core::controller::{Clock, Controller, ControllerError, send_control};
use immutable_core::error::Retry;
use immutable_core::fleet::{Fleet, Router};
use immutable_core::journal::{
    Control, Created, Journal, JournalError, JournalStore, Key, MemoryStore, Reading, Record, StoreError,
};
use immutable_core::planner::Conclusion;
use immutable_core::strategy::Rolling;
use immutable_core::{ClockId, GateName, RolloutId, WriterId};
use tokio_util::sync::CancellationToken;

use crate::scenario::{Scenario, secs, v};

/// What happens to one call of `create_if_absent`.
#[derive(Clone, Debug)]
enum Mishap {
    /// It is stored, but the answer is lost.
    AnswerLost,
    /// It is not stored; another try can help.
    NotReached,
    /// It is not stored, and never will be.
    Full,
    /// Somebody else says something first.
    Interrupted(Control),
}

/// A store in memory to which things happen, by the number of the call.
#[derive(Debug, Default)]
struct Unreliable {
    inner: MemoryStore,
    mishaps: BTreeMap<u32, Mishap>,
    calls: Mutex<u32>,
}

#[async_trait]
impl JournalStore for Unreliable {
    async fn create_if_absent(&self, key: &Key, bytes: &[u8]) -> Result<Created, StoreError> {
        let call = {
            let mut calls = self.calls.lock().unwrap();
            *calls += 1;
            *calls
        };
        let failed = |retry, why: &str| Err(StoreError::new("create", key.to_string(), retry, why.into()));
        match self.mishaps.get(&call) {
            None => self.inner.create_if_absent(key, bytes).await,
            Some(Mishap::AnswerLost) => {
                self.inner.create_if_absent(key, bytes).await?;
                failed(Retry::Backoff, "no answer")
            }
            Some(Mishap::NotReached) => failed(Retry::Backoff, "not reached"),
            Some(Mishap::Full) => failed(Retry::Never, "no space left"),
            Some(Mishap::Interrupted(control)) => {
                let writer = WriterId::new(format!("person-{call}")).unwrap();
                let inner: Arc<dyn JournalStore> = Arc::new(self.inner.clone());
                let at = "2026-11-23T10:00:00Z".parse().unwrap();
                let reading = Reading { clock: ClockId::new("virtual").unwrap(), at };
                send_control(inner, key.rollout(), writer, control.clone(), &reading).await.unwrap();
                self.inner.create_if_absent(key, bytes).await
            }
        }
    }

    async fn list(&self, from: &Key) -> Result<Vec<Key>, StoreError> {
        self.inner.list(from).await
    }

    async fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.get(key).await
    }
}

fn controller(scenario: &Scenario, mishaps: impl IntoIterator<Item = (u32, Mishap)>) -> Controller {
    let store = Unreliable {
        inner: scenario.store.clone(),
        mishaps: mishaps.into_iter().collect(),
        ..Unreliable::default()
    };
    let fleet: Arc<dyn Fleet> = Arc::clone(&scenario.fleet) as Arc<dyn Fleet>;
    let router: Arc<dyn Router> = Arc::clone(&scenario.router) as Arc<dyn Router>;
    Controller::new(fleet, Arc::new(store), scenario.clock.shared())
        .with_router(router)
        .with_sink(Arc::clone(&scenario.log) as Arc<dyn immutable_core::event::EventSink>)
}

/// How many commits a rollout without mishaps makes.
fn commits() -> u32 {
    let scenario = Scenario::new();
    scenario.run(&scenario.plan(v(2))).unwrap();
    let keys = scenario.clock.run(scenario.store.list(&Key::new(Scenario::rollout(), 1))).unwrap();
    u32::try_from(keys.len()).unwrap()
}

/// Runs with mishaps, and again as long as the store was to blame; it must end well, with one launch for each seat.
fn assert_survives(what: &str, mishaps: impl IntoIterator<Item = (u32, Mishap)>) {
    let scenario = Scenario::new();
    let plan = scenario.plan(v(2));
    let controller = controller(&scenario, mishaps);
    eprintln!("{what}");
    let mut tries = 0;
    let conclusion = loop {
        tries += 1;
        match scenario.run_with(&controller, &plan) {
            Ok(conclusion) => break conclusion,
            Err(ControllerError::Journal(JournalError::Store { .. })) if tries <= 6 => {}
            Err(error) => panic!("{what}: {error:?}\n{}", scenario.log.text()),
        }
    };
    assert_eq!(conclusion, Conclusion::Completed, "{what}");
    scenario.assert_safe();
    scenario.assert_ends_with(v(2));
    let launched = scenario
        .fleet
        .effects()
        .iter()
        .filter(|effect| matches!(effect.kind, immutable_testkit::fleet::EffectKind::Launched { .. }))
        .count();
    assert_eq!(launched, 10, "{what}: one launch for each slot");
}

#[test]
fn a_lost_answer_at_any_commit_changes_nothing() {
    for call in 1..=commits() {
        for times in 1..=3 {
            let lost = (call..call + times).map(|call| (call, Mishap::AnswerLost));
            assert_survives(&format!("answers {call} to {} lost", call + times - 1), lost);
        }
    }
}

#[test]
fn a_store_that_is_not_reached_for_a_while_only_delays() {
    for call in 1..=commits() {
        for times in [1, 5] {
            let unreached = (call..call + times).map(|call| (call, Mishap::NotReached));
            assert_survives(&format!("calls {call} to {} failed", call + times - 1), unreached);
        }
    }
}

#[test]
fn lost_answers_and_failures_may_follow_each_other() {
    for first in 3..=commits() {
        let mixed = [Mishap::NotReached, Mishap::AnswerLost, Mishap::NotReached, Mishap::AnswerLost];
        assert_survives(&format!("from call {first} on"), (first..).zip(mixed));
    }
}

#[test]
fn a_full_store_stops_the_rollout_and_says_so_and_room_lets_it_go_on() {
    for call in 1..=commits() {
        let scenario = Scenario::new();
        let plan = scenario.plan(v(2));
        let error = scenario.run_with(&controller(&scenario, [(call, Mishap::Full)]), &plan).unwrap_err();
        let ControllerError::Journal(JournalError::Store { rollout, source }) = &error else {
            panic!("{error:?}")
        };
        assert_eq!((rollout, source.retry), (&Scenario::rollout(), Retry::Never));
        let text = with_causes(&error);
        assert!(text.contains("rollout deploy-42") && text.contains("no space left"), "{text}");
        assert!(text.contains(&format!("rollout/deploy-42/log/{call:020}")), "{text}");
        // What was not committed was not done.
        assert_eq!(scenario.run(&plan).unwrap(), Conclusion::Completed);
        scenario.assert_safe();
        scenario.assert_ends_with(v(2));
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[test]
fn what_a_person_says_through_the_journal_at_any_moment_is_heard() {
    for call in 3..=commits() {
        let scenario = Scenario::new();
        let plan = scenario.plan(v(2));
        let abort = [(call, Mishap::Interrupted(Control::Abort))];
        let conclusion = scenario.run_with(&controller(&scenario, abort), &plan).unwrap();
        assert_eq!(conclusion, Conclusion::Aborted, "at commit {call}");
        assert!(scenario.now() < plan.as_of + secs(120), "heard late: {}", scenario.log.text());
        scenario.assert_safe();
    }
}

fn unrelated() -> Mishap {
    Mishap::Interrupted(Control::Approve { name: GateName::new("unrelated").unwrap() })
}

#[test]
fn others_who_write_all_the_time_hold_nothing_up() {
    let quiet = Scenario::new();
    let plan = quiet.plan(v(2));
    assert_eq!(quiet.run(&plan).unwrap(), Conclusion::Completed);
    let scenario = Scenario::new();
    let busy = controller(&scenario, (3..100).step_by(2).map(|call| (call, unrelated())));
    assert_eq!(scenario.run_with(&busy, &plan).unwrap(), Conclusion::Completed);
    scenario.assert_safe();
    scenario.assert_ends_with(v(2));
    let late = scenario.now().since(quiet.now());
    assert!(late < secs(2), "{late:?} later than without: {}", scenario.log.text());
}

#[test]
fn what_is_said_to_the_controller_is_not_lost_when_somebody_else_writes_at_the_same_moment() {
    for at in 0..60 {
        let scenario = Scenario::new();
        let plan = scenario.plan(v(2));
        // Somebody else is quicker at every other commit.
        let controller = controller(&scenario, (3..100).step_by(2).map(|call| (call, unrelated())));
        let control = controller.control();
        let token = CancellationToken::new();
        let person = async {
            scenario.clock.sleep_until(scenario.now() + secs(at)).await;
            control.abort();
        };
        let (conclusion, ()) =
            scenario.clock.run(async { futures_util::join!(controller.run(&plan, &token), person) });
        assert_eq!(conclusion.unwrap(), Conclusion::Aborted, "said after {at} s");
        let late = scenario.now().since(plan.as_of + secs(at));
        assert!(late < secs(15), "said after {at} s, done {late:?} later: {}", scenario.log.text());
    }
}

#[test]
fn what_another_process_says_is_heard_within_a_poll() {
    let scenario = Scenario::new();
    let plan = scenario.plan(v(2));
    let controller = scenario.controller();
    let token = CancellationToken::new();
    let store: Arc<dyn JournalStore> = Arc::new(scenario.store.clone());
    let say = async |writer: &str, control: Control| {
        let writer = WriterId::new(writer).unwrap();
        let reading = scenario.clock.read();
        send_control(Arc::clone(&store), &Scenario::rollout(), writer, control, &reading).await.unwrap();
    };
    let person = async {
        scenario.clock.sleep_until(scenario.now() + secs(15)).await;
        say("one", Control::Pause).await;
        scenario.clock.sleep_until(scenario.now() + secs(5000)).await;
        assert!(scenario.log.text().contains("the rollout is paused"), "{}", scenario.log.text());
        say("two", Control::Resume).await;
        let resumed = scenario.now();
        scenario.clock.sleep_until(resumed + secs(3)).await;
        scenario.fleet.effects().last().unwrap().at.since(resumed)
    };
    let (conclusion, late) =
        scenario.clock.run(async { futures_util::join!(controller.run(&plan, &token), person) });
    assert_eq!(conclusion.unwrap(), Conclusion::Completed);
    assert!(late > secs(0) && late <= secs(3), "{late:?}");
    scenario.assert_safe();
    scenario.assert_ends_with(v(2));
}

#[test]
fn of_two_writers_at_one_number_one_wins_and_the_other_learns_what_it_missed() {
    let scenario = Scenario::new();
    let (now, reading) = (scenario.now(), scenario.clock.read());
    let store: Arc<dyn JournalStore> = Arc::new(scenario.store.clone());
    let plan = scenario.plan(v(2));
    scenario.run(&scenario.plan_as(v(2), &Rolling::new(), RolloutId::new("other").unwrap())).unwrap();
    scenario.clock.run(async {
        let load =
            |name: &str| Journal::load(Arc::clone(&store), Scenario::rollout(), WriterId::new(name).unwrap());
        let mut first = load("first").await.unwrap();
        let open = Record::Open {
            spec: Box::new(plan.spec.clone()),
            initial: plan.initial.clone(),
            plan: plan.digest(),
        };
        first.record(open, now).unwrap();
        first.commit(&reading).await.unwrap();
        let mut second = load("second").await.unwrap();

        // Both say something; the first to write is not the one that read first.
        second.record(Record::Control(Control::Pause), now).unwrap();
        first.record(Record::Control(Control::Abort), now).unwrap();
        assert_eq!(second.commit(&reading).await.unwrap().unwrap().0, 2);
        assert!(matches!(first.commit(&reading).await, Err(JournalError::Moved { .. })));
        assert!(first.state().unwrap().is_paused(), "it knows what the other wrote");
        assert!(
            !first.state().unwrap().is_ending() && !first.is_dirty(),
            "and forgot what it had not written"
        );
        assert_eq!(first.fold(), second.fold());

        // The same with a claim between them.
        second.claim(now).unwrap();
        first.record(Record::Control(Control::Resume), now).unwrap();
        second.commit(&reading).await.unwrap();
        let error = first.commit(&reading).await.unwrap_err();
        assert!(matches!(&error, JournalError::Superseded { epoch: 1, .. }), "{error}");
        assert!(error.to_string().contains("second"), "{error}");
        assert_eq!(first.commit(&reading).await.unwrap(), None, "there is nothing left to write");

        // Nobody wrote: catching up is silent.
        first.catch_up().await.unwrap();
        second.record(Record::Control(Control::Resume), now).unwrap();
        second.commit(&reading).await.unwrap();
        assert!(matches!(first.catch_up().await, Err(JournalError::Superseded { .. })));
        assert!(!first.state().unwrap().is_paused());
    });
}

/// A store that cannot be listed while it is told so.
#[derive(Debug, Default)]
struct Listless {
    inner: MemoryStore,
    fails: AtomicBool,
}

#[async_trait]
impl JournalStore for Listless {
    async fn create_if_absent(&self, key: &Key, bytes: &[u8]) -> Result<Created, StoreError> {
        self.inner.create_if_absent(key, bytes).await
    }

    async fn list(&self, from: &Key) -> Result<Vec<Key>, StoreError> {
        if self.fails.load(Ordering::Relaxed) {
            return Err(StoreError::new("list", from.to_string(), Retry::Backoff, "not reached".into()));
        }
        self.inner.list(from).await
    }

    async fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.get(key).await
    }
}

#[test]
fn what_somebody_elses_write_has_beaten_never_passes_for_committed() {
    let scenario = Scenario::new();
    let (now, reading) = (scenario.now(), scenario.clock.read());
    let store = Arc::new(Listless::default());
    let plan = scenario.plan(v(2));
    scenario.clock.run(async {
        let load = |name: &str| {
            Journal::load(
                Arc::clone(&store) as Arc<dyn JournalStore>,
                Scenario::rollout(),
                WriterId::new(name).unwrap(),
            )
        };
        let mut first = load("first").await.unwrap();
        let open = Record::Open {
            spec: Box::new(plan.spec.clone()),
            initial: plan.initial.clone(),
            plan: plan.digest(),
        };
        first.record(open, now).unwrap();
        first.commit(&reading).await.unwrap();
        let mut second = load("second").await.unwrap();
        second.record(Record::Control(Control::Pause), now).unwrap();
        second.commit(&reading).await.unwrap();

        // It was beaten, and what was written instead cannot be read now.
        first.record(Record::Control(Control::Abort), now).unwrap();
        store.fails.store(true, Ordering::Relaxed);
        assert!(matches!(first.commit(&reading).await, Err(JournalError::Store { .. })));
        assert!(first.is_dirty(), "the state has it, and nobody wrote it");
        assert!(matches!(first.commit(&reading).await, Err(JournalError::Store { .. })));

        store.fails.store(false, Ordering::Relaxed);
        assert!(matches!(first.commit(&reading).await, Err(JournalError::Moved { .. })));
        assert!(!first.is_dirty() && !first.state().unwrap().is_ending());
    });
}
