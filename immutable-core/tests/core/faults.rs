//! Whole rollouts under faults of every kind, from a seed: the platform fails, lies and is late, instances die, zones
//! are cut off, the router restarts, controllers are killed and two of them run at once.

use std::time::Duration;

use immutable_core::controller::{Clock, Controller, ControllerError};
use immutable_core::fleet::Phase;
use immutable_core::journal::JournalError;
use immutable_core::plan::Plan;
use immutable_core::planner::Conclusion;
use immutable_core::strategy::Rolling;
use immutable_core::{Digest, InstanceId, Quantity, RolloutId, Seed, WriterId, Zone};
use immutable_testkit::fleet::{EffectKind, EffectTime, Failure, Operation};
use immutable_testkit::router::{CutCause, RouterOperation};
use tokio_util::sync::CancellationToken;

use crate::scenario::{Scenario, secs, v};

/// Numbers that follow from a seed, one after the other.
struct Dice {
    seed: Seed,
    thrown: u64,
}

impl Dice {
    fn new(seed: u64) -> Self {
        Self { seed: Seed::new(seed).child("faults"), thrown: 0 }
    }

    fn below(&mut self, sides: u64) -> u64 {
        self.thrown += 1;
        self.seed.rank(&self.thrown.to_be_bytes()) % sides
    }

    fn millis(&mut self, most: u64) -> Duration {
        Duration::from_millis(1 + self.below(most))
    }

    fn one_of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[usize::try_from(self.below(choices.len() as u64)).unwrap()].clone()
    }
}

/// What a run may suffer besides a failing platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Also {
    /// Nothing takes instances away: whatever is missing, the rollout took away itself.
    Nothing,
    /// Instances die, vanish and fail their checks, and zones are cut off.
    Losses,
}

fn scenario(dice: &mut Dice, seed: u64) -> Scenario {
    let (launch, terminate) = (dice.millis(1500), dice.millis(800));
    let (jitter, listing) = (dice.millis(9000), dice.millis(1500));
    let (late, silent, late_effect) = (dice.below(3) == 0, dice.below(4) == 0, dice.below(2) == 0);
    let mut scenario = Scenario::with(8, |fleet| {
        let fleet = fleet
            .running(8, v(1))
            .seed(Seed::new(seed))
            .boot_jitter(jitter)
            .call_time(Operation::Launch, launch)
            .call_time(Operation::Terminate, terminate);
        let fleet = if late { fleet.listing_delay(listing) } else { fleet };
        let fleet = if silent { fleet.without_events() } else { fleet };
        if late_effect { fleet.effect_time(EffectTime::BeforeReturn) } else { fleet }
    });
    let limits = [(3, 0), (2, 1), (1, 0), (0, 2), (1, 3)];
    let (surge, unavailable) = dice.one_of(&limits);
    scenario.limits.max_surge = Quantity::Count(surge);
    scenario.limits.max_unavailable = Quantity::Count(unavailable);
    scenario.limits.min_ready = secs(dice.below(4));
    scenario.limits.healthy_deadline = secs(60);
    scenario.limits.progress_deadline = secs(600);
    // A lost instance is no reason to fail: what is bad is bad in all of them.
    scenario.limits.max_failures = Quantity::Count(8);
    scenario
}

/// Does harm for a while, and then makes good what does not heal by itself.
async fn harm(scenario: &Scenario, dice: &mut Dice, also: Also) {
    let fleet = &scenario.fleet;
    let zones = ["a", "b", "c"].map(|name| Zone::new(name).unwrap());
    for _ in 0..4 + dice.below(10) {
        scenario.clock.sleep_until(scenario.now() + dice.millis(6000)).await;
        let times = 1 + u32::try_from(dice.below(4)).unwrap();
        let failures =
            [Failure::Lost, Failure::Platform, Failure::NoCapacity, Failure::Throttled(dice.millis(3000))];
        let kinds = if also == Also::Losses { 13 } else { 7 };
        match dice.below(kinds) {
            0 | 1 => fleet.fail_next(Operation::Launch, times, dice.one_of(&failures)),
            2 => {
                let answer = dice.one_of(&[Failure::Lost, Failure::Platform]);
                fleet.fail_next(Operation::Terminate, times, answer);
            }
            3 => fleet.fail_next(Operation::Observe, times, Failure::Platform),
            4 => scenario.router.fail_next(RouterOperation::Apply, times),
            5 => scenario.router.fail_next(RouterOperation::Observe, times),
            6 => {
                fleet.pause_observation();
                scenario.clock.sleep_until(scenario.now() + dice.millis(4000)).await;
                fleet.resume_observation();
            }
            7 => scenario.router.restart(),
            8 => {
                let zone = dice.one_of(&zones);
                fleet.zone_outage(&zone);
                scenario.clock.sleep_until(scenario.now() + dice.millis(90_000)).await;
                fleet.zone_restored(&zone);
            }
            kind => {
                let Some(victim) = pick(scenario, dice) else { continue };
                match kind {
                    9 => fleet.kill(&victim),
                    10 => fleet.vanish(&victim),
                    11 => fleet.make_unready(&victim),
                    _ => {
                        fleet.make_unready(&victim).unwrap();
                        scenario.clock.sleep_until(scenario.now() + dice.millis(3000)).await;
                        // It may be gone by now.
                        let _ = fleet.make_ready(&victim);
                        Ok(())
                    }
                }
                .unwrap();
            }
        }
    }
    fleet.clear_failures();
}

/// Any instance but one that is being stopped: that one is on its way already.
fn pick(scenario: &Scenario, dice: &mut Dice) -> Option<InstanceId> {
    let mut instances = scenario.fleet.instances();
    instances.retain(|instance| instance.phase != Phase::Stopping);
    (!instances.is_empty()).then(|| dice.one_of(&instances).id)
}

/// Runs the rollout by controllers that are killed again and again, some with a second one beside them.
async fn controllers(scenario: &Scenario, plan: &Plan, dice: &mut Dice) -> Conclusion {
    let token = CancellationToken::new();
    for life in 0..400_u64 {
        let pair = [life * 2, life * 2 + 1].map(|number| writer(scenario, number));
        let later = dice.millis(5000);
        let both = dice.below(3) == 0;
        let first = std::pin::pin!(pair[0].run(plan, &token));
        let second = std::pin::pin!(async {
            if !both {
                return std::future::pending().await;
            }
            scenario.clock.sleep_until(scenario.now() + later).await;
            pair[1].run(plan, &token).await
        });
        let running = async {
            match futures_util::future::select(first, second).await {
                futures_util::future::Either::Left((result, second)) => settle(result, second).await,
                futures_util::future::Either::Right((result, first)) => settle(result, first).await,
            }
        };
        // One life in four lasts, so that a rollout of many small steps comes to an end.
        let span = if dice.below(4) == 0 { secs(400) } else { dice.millis(12_000) };
        let death = scenario.clock.sleep_until(scenario.now() + span);
        match futures_util::future::select(std::pin::pin!(running), death).await {
            futures_util::future::Either::Left((conclusion, _)) => return conclusion,
            futures_util::future::Either::Right(_) => {}
        }
    }
    panic!("it never ends")
}

fn writer(scenario: &Scenario, number: u64) -> Controller {
    scenario.controller().with_writer(WriterId::new(format!("writer-{number}")).unwrap())
}

type Run = Result<Conclusion, ControllerError>;

/// What a controller said, or the other one if it was superseded.
async fn settle(result: Run, other: impl Future<Output = Run>) -> Conclusion {
    match result {
        Err(ControllerError::Journal(JournalError::Superseded { .. })) => other.await.unwrap(),
        // Nothing was begun yet and the platform did not answer: it is tried again by the next life.
        Err(ControllerError::Refused { .. }) => std::future::pending().await,
        result => result.unwrap(),
    }
}

fn suffer(seed: u64, image: Digest, also: Also) -> (Scenario, Conclusion, usize) {
    let mut dice = Dice::new(seed);
    let scenario = scenario(&mut dice, seed);
    let plan = scenario.plan(image);
    let (mut harms, mut lives) = (Dice::new(seed ^ 0xA5A5), Dice::new(seed ^ 0x5A5A));
    let both = async {
        let rollout = std::pin::pin!(controllers(&scenario, &plan, &mut lives));
        let harm = std::pin::pin!(harm(&scenario, &mut harms, also));
        match futures_util::future::select(rollout, harm).await {
            futures_util::future::Either::Left((conclusion, harm)) => {
                harm.await;
                (conclusion, true)
            }
            futures_util::future::Either::Right(((), rollout)) => (rollout.await, false),
        }
    };
    let limit = scenario.now() + secs(4 * 3600);
    let (conclusion, was_harmed_later) = scenario.clock.run_until(limit, both).unwrap();
    if was_harmed_later {
        // What it left was harmed again: the next rollout makes it good. The routes of instances that vanished after the
        // end are nobody's, so the router begins anew.
        scenario.router.restart();
        let image = if conclusion == Conclusion::Completed { image } else { v(1) };
        let again = scenario.plan_as(image, &Rolling::new(), RolloutId::new("again").unwrap());
        assert_eq!(scenario.run(&again).unwrap(), Conclusion::Completed);
    }
    let effects = scenario.fleet.effects().len();
    (scenario, conclusion, effects)
}

/// Everything that must hold whatever happened.
fn assert_sound(scenario: &Scenario, conclusion: &Conclusion, image: Digest, also: Also) {
    let budget = scenario.limits.budget(scenario.desired).unwrap();
    let peaks = scenario.fleet.peaks();
    assert!(peaks.max_total <= budget.max_total() as usize, "S2: {peaks:?}");
    if also == Also::Nothing {
        assert!(peaks.min_available >= budget.min_available() as usize, "S1: {peaks:?}");
    }
    let mut launched = std::collections::BTreeSet::new();
    for effect in scenario.fleet.effects() {
        if let EffectKind::Launched { origin, .. } = effect.kind {
            assert!(launched.insert(origin.token.clone()), "S4: {origin:?}");
        }
    }
    for cut in scenario.router.cuts() {
        assert!(also == Also::Losses && cut.cause == CutCause::Died, "S12: {cut:?}");
    }
    match conclusion {
        Conclusion::Completed => scenario.assert_ends_with(image),
        Conclusion::RolledBack { .. } => scenario.assert_ends_with(v(1)),
        other => panic!("L1: {other:?}"),
    }
}

fn check(seeds: std::ops::Range<u64>, image: Digest, also: Also) -> u64 {
    let began = std::time::Instant::now();
    let (mut completed, mut effects) = (0, 0);
    for seed in seeds.clone() {
        let run = || {
            let (scenario, conclusion, happened) = suffer(seed, image, also);
            let sound = || assert_sound(&scenario, &conclusion, image, also);
            let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(sound));
            if let Err(panic) = result {
                eprintln!("{}", scenario.log.text());
                std::panic::resume_unwind(panic);
            }
            completed += u64::from(conclusion == Conclusion::Completed);
            effects += happened;
        };
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
        if result.is_err() {
            panic!("seed {seed} with {also:?}");
        }
    }
    let runs = seeds.end - seeds.start;
    eprintln!("{runs} runs, {completed} completed, {effects} effects, {:?}", began.elapsed());
    completed
}

#[test]
fn a_platform_that_fails_and_controllers_that_are_killed_only_delay() {
    assert_eq!(check(0..120, v(2), Also::Nothing), 120);
}

#[test]
fn lost_instances_and_zones_are_made_good() {
    let completed = check(1000..1150, v(2), Also::Losses);
    assert!(completed > 100, "{completed}");
}

#[test]
fn a_bad_image_is_put_back_through_all_of_it() {
    assert_eq!(check(2000..2040, v(3), Also::Nothing), 0);
    assert_eq!(check(3000..3040, v(3), Also::Losses), 0);
}
