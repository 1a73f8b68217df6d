//! A process that dies at every point there is, and another one after it that dies at every point again: twelve
//! instances in three zones, a canary and two waves, and the same with the way back from the second wave.
//!
//! Whoever comes after them always ends as the undisturbed rollout does, with every attempt launched once and nothing
//! left over. Worlds that look the same to a successor, but for the time, are only gone on with once.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]
#![allow(clippy::disallowed_methods, reason = "tests measure real time, for whoever reads the log")]
#![allow(clippy::print_stderr, reason = "figures for whoever reads the log")]

mod mortal;
#[allow(dead_code, reason = "some of it is for other tests")]
#[path = "../core/scenario.rs"]
mod scenario;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use async_trait::async_trait;
use futures_util::FutureExt;
use futures_util::future::{Either, select};
use immutable_core::controller::{Controller, ControllerError};
use immutable_core::fleet::{Fleet, Router};
use immutable_core::gate::{Gate, GateContext, GateError, GateSpec, Judgement, Verdict};
use immutable_core::journal::{JournalError, JournalStore, Key};
use immutable_core::plan::Plan;
use immutable_core::planner::Conclusion;
use immutable_core::store::FolderStore;
use immutable_core::strategy::{RolloutStrategy, Stage, StrategyContext, StrategyError};
use immutable_core::{Digest, GateName, WriterId};
use immutable_testkit::fleet::Operation;
use tokio_util::sync::CancellationToken;

use crate::mortal::{Fate, MortalFleet, MortalGate, MortalRouter, MortalStore, Point};
use crate::scenario::{Scenario, secs, v};

/// One canary, half of them, all of them; what the second wave has brought is judged.
#[derive(Debug)]
struct TwoWaves;

impl RolloutStrategy for TwoWaves {
    fn name(&self) -> &'static str {
        "two waves"
    }

    fn stages(&self, _: &StrategyContext) -> Result<Vec<Stage>, StrategyError> {
        let judged = Stage::new(6, 6).gate(GateSpec::Check(smoke()));
        Ok(vec![Stage::new(1, 11), judged, Stage::new(12, 0)])
    }
}

fn smoke() -> GateName {
    GateName::new("smoke").unwrap()
}

#[derive(Clone, Copy, Debug)]
struct Judge(Verdict);

#[async_trait]
impl Gate for Judge {
    async fn evaluate(&self, _: &GateContext) -> Result<Judgement, GateError> {
        Ok(Judgement::new(self.0, "smoke", "the test says so"))
    }
}

/// The store of a story: in memory, or in a folder where a torn write leaves something.
#[derive(Debug)]
enum Disk {
    Memory,
    Folder(tempfile::TempDir),
}

/// A rollout from its beginning, and the processes that work on it one after the other.
struct Story {
    scenario: Scenario,
    plan: Plan,
    verdict: Verdict,
    disk: Disk,
    lives: u32,
}

impl Story {
    fn new(verdict: Verdict, disk: Disk) -> Self {
        let mut scenario = Scenario::with(12, |fleet| {
            fleet
                .running(12, v(1))
                // So that it can die between any two of a batch.
                .max_batch(2)
                .call_time(Operation::Launch, std::time::Duration::from_millis(700))
                .call_time(Operation::Terminate, std::time::Duration::from_millis(300))
        });
        scenario.limits.drain_deadline = secs(20);
        let plan = scenario.plan_as(v(2), &TwoWaves, Scenario::rollout());
        Self { scenario, plan, verdict, disk, lives: 0 }
    }

    fn store(&self) -> Arc<dyn JournalStore> {
        match &self.disk {
            Disk::Memory => Arc::new(self.scenario.store.clone()),
            Disk::Folder(folder) => Arc::new(AtOnce(FolderStore::new(folder.path()))),
        }
    }

    /// One process, which dies at a point or comes to the end.
    fn live(&mut self, fate: &Arc<Fate>) -> Option<Conclusion> {
        self.lives += 1;
        let torn = match &self.disk {
            Disk::Memory => None,
            Disk::Folder(folder) => Some(folder.path().to_owned()),
        };
        let fate = || Arc::clone(fate);
        let fleet = Arc::clone(&self.scenario.fleet) as Arc<dyn Fleet>;
        let router = Arc::clone(&self.scenario.router) as Arc<dyn Router>;
        let store = MortalStore { inner: self.store(), fate: fate(), torn };
        let controller = Controller::new(
            Arc::new(MortalFleet { inner: fleet, fate: fate() }),
            Arc::new(store),
            self.scenario.clock.shared(),
        )
        .with_router(Arc::new(MortalRouter { inner: router, fate: fate() }))
        .with_gate(smoke(), Arc::new(MortalGate { inner: Arc::new(Judge(self.verdict)), fate: fate() }))
        .with_writer(WriterId::new(format!("process-{}", self.lives)).unwrap());
        let (token, death, told) = (CancellationToken::new(), fate(), fate());
        let limit = self.scenario.now() + secs(3600);
        let run = std::pin::pin!(controller.run(&self.plan, &token));
        let death = std::pin::pin!(death.death());
        let ended = self.scenario.clock.run_until(limit, select(run, death));
        let died_at = told.happened();
        match ended {
            Ok(Either::Left((Ok(conclusion), _))) => Some(conclusion),
            // Before it has begun it does not insist: it says that the store failed, and somebody starts it again.
            Ok(Either::Left((Err(ControllerError::Journal(JournalError::Store { .. })), _)))
                if died_at == Some(Point::Unanswered) =>
            {
                None
            }
            Ok(Either::Left((Err(error), _))) => panic!("{error:?}"),
            Ok(Either::Right(_)) => None,
            Err(stalled) => panic!("{stalled:?}"),
        }
    }

    /// What a successor can know, but for the time that has passed since: what was done, and the journal.
    fn looks_like(&self) -> Digest {
        let keys = self.store().list(&Key::new(Scenario::rollout(), 1)).now_or_never().unwrap().unwrap();
        let commit = |key| self.store().get(key).now_or_never().unwrap().unwrap();
        let journal: Vec<_> = keys.iter().map(commit).collect();
        let (effects, routes) = (self.scenario.fleet.effects(), self.scenario.router.applied());
        Digest::of(format!("{journal:?} {effects:?} {routes:?}").as_bytes())
    }

    fn assert_end(&self, conclusion: Option<&Conclusion>) {
        let image = match (self.verdict, conclusion) {
            (Verdict::Pass, Some(Conclusion::Completed)) => v(2),
            (Verdict::Fail, Some(Conclusion::RolledBack { .. })) => v(1),
            other => panic!("{other:?}"),
        };
        self.scenario.assert_safe();
        self.scenario.assert_ends_with(image);
    }
}

/// A folder store whose calls are over when they return: virtual time does not wait for other threads.
#[derive(Debug)]
struct AtOnce(FolderStore);

impl AtOnce {
    fn wait<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }
}

#[async_trait]
impl JournalStore for AtOnce {
    async fn create_if_absent(
        &self,
        key: &Key,
        bytes: &[u8],
    ) -> Result<immutable_core::journal::Created, immutable_core::journal::StoreError> {
        Self::wait(self.0.create_if_absent(key, bytes))
    }

    async fn list(&self, from: &Key) -> Result<Vec<Key>, immutable_core::journal::StoreError> {
        Self::wait(self.0.list(from))
    }

    async fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, immutable_core::journal::StoreError> {
        Self::wait(self.0.get(key))
    }
}

/// What happened to the processes of one story, for whoever reads of its failure.
fn told(points: &[(usize, Option<Point>)], go_on: impl FnOnce() + std::panic::UnwindSafe) {
    if std::panic::catch_unwind(go_on).is_err() {
        panic!("after {points:?}");
    }
}

/// Every way in which one process dies. Returns the points whose worlds differ for a successor, and how many there are.
fn every_death(
    verdict: Verdict,
    disk: impl Fn() -> Disk,
    fate: fn(usize) -> Arc<Fate>,
) -> (Vec<usize>, usize) {
    let (mut seen, mut distinct, mut at) = (BTreeSet::new(), Vec::new(), 0);
    loop {
        let (mut story, fate) = (Story::new(verdict, disk()), fate(at));
        let mut end = story.live(&fate);
        let Some(point) = fate.happened() else { return (distinct, at) };
        if end.is_none() && !seen.insert(story.looks_like()) {
            at += 1;
            continue;
        }
        distinct.push(at);
        told(
            &[(at, Some(point))],
            std::panic::AssertUnwindSafe(|| {
                end = end.take().or_else(|| story.live(&Fate::none()));
                story.assert_end(end.as_ref());
            }),
        );
        at += 1;
    }
}

/// Every way in which a second process dies after the first has died at `first`; how many stories were told to the end.
fn every_second_death(verdict: Verdict, first: usize, seen: &Mutex<BTreeSet<Digest>>) -> usize {
    let (mut stories, mut second) = (0, 0);
    loop {
        let mut story = Story::new(verdict, Disk::Memory);
        let (one, two) = (Fate::at_changes(first), Fate::at_changes(second));
        let mut end = story.live(&one);
        if end.is_none() {
            end = story.live(&two);
        }
        if two.happened().is_none() {
            return stories;
        }
        if end.is_some() || seen.lock().unwrap().insert(story.looks_like()) {
            stories += 1;
            let points = [(first, one.happened()), (second, two.happened())];
            told(
                &points,
                std::panic::AssertUnwindSafe(|| {
                    end = end.take().or_else(|| story.live(&Fate::none()));
                    story.assert_end(end.as_ref());
                }),
            );
        }
        second += 1;
    }
}

fn kill_at_every_pair(verdict: Verdict) {
    let began = Instant::now();
    let (firsts, points) = every_death(verdict, || Disk::Memory, Fate::at_changes);
    eprintln!("{points} points, {} different worlds after one death, {:.1?}", firsts.len(), began.elapsed());
    let (seen, next, stories) = (Mutex::default(), Mutex::new(firsts.iter()), Mutex::new(0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(first) = { next.lock().unwrap().next() } {
                    let told = every_second_death(verdict, *first, &seen);
                    *stories.lock().unwrap() += told;
                }
            });
        }
    });
    eprintln!("{} stories of two deaths, {:.1?}", stories.lock().unwrap(), began.elapsed());
}

#[test]
fn killed_at_every_pair_of_points_a_rollout_ends_as_if_nothing_had_happened() {
    kill_at_every_pair(Verdict::Pass);
}

#[test]
fn killed_at_every_pair_of_points_so_does_the_way_back() {
    kill_at_every_pair(Verdict::Fail);
}

#[test]
fn killed_at_every_point_and_in_every_write_to_a_folder_it_loses_nothing() {
    for verdict in [Verdict::Pass, Verdict::Fail] {
        let (distinct, points) =
            every_death(verdict, || Disk::Folder(tempfile::tempdir().unwrap()), Fate::at_any);
        eprintln!("{points} points, {} different worlds", distinct.len());
    }
}
