//! A controller that is killed at any moment, and several at once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use immutable_core::controller::{Clock, Controller, ControllerError};
use immutable_core::fleet::{
    Capabilities, DrainRequest, Fleet, FleetError, LaunchRequest, Launched, Phase, Snapshot,
    TerminateRequest, Terminated,
};
use immutable_core::journal::{JournalError, Key};
use immutable_core::planner::Conclusion;
use immutable_core::{Digest, FleetId, Seed, Token, WriterId};
use immutable_testkit::fleet::Operation;
use tokio_util::sync::CancellationToken;

use crate::scenario::{Scenario, secs, v};

fn slow_scenario() -> Scenario {
    Scenario::with(10, |fleet| {
        fleet
            .running(10, v(1))
            .call_time(Operation::Launch, std::time::Duration::from_millis(700))
            .call_time(Operation::Terminate, std::time::Duration::from_millis(300))
    })
}

fn writer(scenario: &Scenario, number: u64) -> Controller {
    scenario.controller().with_writer(WriterId::new(format!("writer-{number}")).unwrap())
}

#[test]
fn killed_at_any_moment_it_loses_nothing() {
    for round in 0..60 {
        let scenario = slow_scenario();
        let plan = scenario.plan(v(2));
        let seed = Seed::new(round);
        let mut conclusion = None;
        for life in 0..200 {
            let controller = writer(&scenario, life);
            let token = CancellationToken::new();
            let span = std::time::Duration::from_millis(1 + seed.rank(&life.to_be_bytes()) % 9_000);
            let until = scenario.now() + span;
            // Dropping the future in mid-call is what a killed process looks like to everybody else.
            let killed = async {
                let run = std::pin::pin!(controller.run(&plan, &token));
                let death = scenario.clock.sleep_until(until);
                match futures_util::future::select(run, death).await {
                    futures_util::future::Either::Left((result, _)) => Some(result),
                    futures_util::future::Either::Right(_) => None,
                }
            };
            if let Some(result) = scenario.clock.run(killed) {
                conclusion = Some(result.unwrap());
                break;
            }
        }
        assert_eq!(conclusion, Some(Conclusion::Completed), "round {round}\n{}", scenario.log.text());
        scenario.assert_safe();
        scenario.assert_ends_with(v(2));
    }
}

#[test]
fn two_at_once_do_not_get_in_each_others_way() {
    for delay in [0, 1, 5, 9, 10, 11, 14, 21, 30] {
        let scenario = slow_scenario();
        let plan = scenario.plan(v(2));
        let (first, second) = (writer(&scenario, 1), writer(&scenario, 2));
        let token = CancellationToken::new();
        let later = async {
            scenario.clock.sleep_until(scenario.now() + secs(delay)).await;
            second.run(&plan, &token).await
        };
        let (one, two) = scenario.clock.run(async { futures_util::join!(first.run(&plan, &token), later) });
        let superseded = |result: &Result<Conclusion, ControllerError>| {
            matches!(result, Err(ControllerError::Journal(JournalError::Superseded { .. })))
        };
        assert!(superseded(&one) != superseded(&two), "delay {delay}: {one:?} {two:?}");
        let conclusions: Vec<_> = [one, two].into_iter().flatten().collect();
        assert_eq!(conclusions, [Conclusion::Completed]);
        scenario.assert_safe();
        scenario.assert_ends_with(v(2));
    }
}

#[test]
fn a_bad_image_is_put_back_though_the_controller_is_killed_all_the_time() {
    for round in 0..20 {
        let mut scenario = slow_scenario();
        scenario.limits.healthy_deadline = secs(60);
        let plan = scenario.plan(v(3));
        let seed = Seed::new(1000 + round);
        let mut conclusion = None;
        for life in 0..400 {
            let controller = writer(&scenario, life);
            let token = CancellationToken::new();
            let span = std::time::Duration::from_millis(1 + seed.rank(&life.to_be_bytes()) % 9_000);
            let limit = scenario.now() + span;
            if let Ok(result) = scenario.clock.run_until(limit, controller.run(&plan, &token)) {
                conclusion = Some(result.unwrap());
                break;
            }
        }
        assert!(matches!(conclusion, Some(Conclusion::RolledBack { .. })), "{}", scenario.log.text());
        scenario.assert_safe();
        scenario.assert_ends_with(v(1));
    }
}

#[test]
fn a_cancelled_run_says_so_and_can_be_resumed() {
    let scenario = Scenario::new();
    let plan = scenario.plan(v(2));
    let token = CancellationToken::new();
    let controller = scenario.controller();
    let cancel = async {
        scenario.clock.sleep_until(scenario.now() + secs(15)).await;
        token.cancel();
    };
    let (result, ()) =
        scenario.clock.run(async { futures_util::join!(controller.run(&plan, &token), cancel) });
    assert!(matches!(result, Err(ControllerError::Cancelled { .. })), "{result:?}");
    let store: Arc<dyn immutable_core::journal::JournalStore> = Arc::new(scenario.store.clone());
    assert!(!scenario.clock.run(store.list(&Key::new(Scenario::rollout(), 1))).unwrap().is_empty());
    let conclusion =
        scenario.clock.run(scenario.controller().resume(&Scenario::rollout(), &CancellationToken::new()));
    assert_eq!(conclusion.unwrap(), Conclusion::Completed);
    scenario.assert_ends_with(v(2));
}

/// A platform whose launches take two steps, like Docker's create and start: the first call for a token is never
/// answered, as if its process had been killed between them, and the instance gets no further until the call is
/// repeated.
#[derive(Debug)]
struct TwoSteps {
    fleet: Arc<dyn Fleet>,
    calls: Mutex<BTreeMap<Token, u32>>,
}

#[async_trait::async_trait]
impl Fleet for TwoSteps {
    fn id(&self) -> &FleetId {
        self.fleet.id()
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = self.fleet.capabilities();
        capabilities.max_batch = 1;
        capabilities
    }

    async fn observe(&self) -> Result<Snapshot, FleetError> {
        let mut snapshot = self.fleet.observe().await?;
        let calls = self.calls.lock().unwrap();
        for instance in snapshot.instances.iter_mut().map(Arc::make_mut) {
            let token = instance.origin.as_ref().map(|origin| &origin.token);
            if token.and_then(|token| calls.get(token)).is_some_and(|calls| *calls < 2) {
                instance.phase = Phase::Launching;
            }
        }
        Ok(snapshot)
    }

    async fn changed(&self, since: u64) {
        self.fleet.changed(since).await;
    }

    async fn check(&self, image: &Digest) -> Result<(), FleetError> {
        self.fleet.check(image).await
    }

    async fn launch(&self, requests: &[LaunchRequest]) -> Vec<Result<Launched, FleetError>> {
        let results = self.fleet.launch(requests).await;
        let first = {
            let mut calls = self.calls.lock().unwrap();
            let count = calls.entry(requests[0].token.clone()).or_default();
            *count += 1;
            *count == 1
        };
        if first {
            std::future::pending::<()>().await;
        }
        results
    }

    async fn drain(&self, requests: &[DrainRequest]) -> Vec<Result<(), FleetError>> {
        self.fleet.drain(requests).await
    }

    async fn terminate(&self, requests: &[TerminateRequest]) -> Vec<Result<Terminated, FleetError>> {
        self.fleet.terminate(requests).await
    }
}

#[test]
fn a_launch_that_is_only_half_done_is_finished_by_the_successor() {
    let scenario = Scenario::with(3, |fleet| fleet);
    let plan = scenario.plan(v(2));
    let fleet = Arc::new(TwoSteps { fleet: Arc::clone(&scenario.fleet) as _, calls: Mutex::default() });
    let controller = |number: u64| {
        let store = Arc::new(scenario.store.clone());
        Controller::new(Arc::clone(&fleet) as Arc<dyn Fleet>, store, scenario.clock.shared())
            .with_writer(WriterId::new(format!("writer-{number}")).unwrap())
    };
    let token = CancellationToken::new();
    let killed = scenario.clock.run_until(scenario.now() + secs(20), controller(1).run(&plan, &token));
    assert!(killed.is_err(), "it hangs until it is killed");
    let conclusion = scenario.clock.run_until(scenario.now() + secs(120), controller(2).run(&plan, &token));
    assert_eq!(conclusion.unwrap().unwrap(), Conclusion::Completed);
    scenario.assert_tidy();
}
