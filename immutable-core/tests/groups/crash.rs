//! A controller of releases that is killed at any write, and several at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use immutable_core::controller::{Clock, ReleaseRunError};
use immutable_core::journal::{Created, JournalError, JournalStore, Key, MemoryStore, StoreError};
use immutable_core::release::{OnGroupFailure, ReleaseOutcome};
use immutable_core::{Quantity, RolloutId};
use tokio_util::sync::CancellationToken;

use crate::world::{World, release, secs, tiers, v};

/// A store whose process dies at a write: before it, or when it is stored but nobody knows.
#[derive(Debug)]
struct Deadly {
    store: MemoryStore,
    /// Only writes to this journal count; all, if `None`.
    of: Option<RolloutId>,
    left: AtomicUsize,
    stores: bool,
    died: CancellationToken,
}

#[async_trait::async_trait]
impl JournalStore for Deadly {
    async fn create_if_absent(&self, key: &Key, bytes: &[u8]) -> Result<Created, StoreError> {
        let counts = self.of.as_ref().is_none_or(|of| of == key.rollout());
        if counts && self.left.fetch_sub(1, Ordering::Relaxed) == 0 {
            if self.stores {
                self.store.create_if_absent(key, bytes).await?;
            }
            self.died.cancel();
            std::future::pending::<()>().await;
        }
        self.store.create_if_absent(key, bytes).await
    }

    async fn list(&self, from: &Key) -> Result<Vec<Key>, StoreError> {
        self.store.list(from).await
    }

    async fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.get(key).await
    }
}

/// Kills the first controller at its `write`th write and lets another one go on. `None` when it ended before.
fn killed(
    world: &World,
    bad: &[&str],
    of: Option<RolloutId>,
    write: usize,
    stores: bool,
) -> Option<ReleaseOutcome> {
    let plan = world.plan(bad);
    let (left, died) = (AtomicUsize::new(write), CancellationToken::new());
    let store = Deadly { store: world.store.clone(), of, left, stores, died: died.clone() };
    let token = CancellationToken::new();
    let is_over = {
        let controller = world.controller_on(Arc::new(store), "first");
        let life = async {
            let run = Box::pin(controller.run(&plan, &token));
            let death = Box::pin(died.cancelled());
            matches!(futures_util::future::select(run, death).await, futures_util::future::Either::Left(_))
        };
        world.clock.run_until(world.now() + secs(86_400), life).unwrap()
    };
    if is_over {
        return None;
    }
    let second = world.controller_on(Arc::new(world.store.clone()), "second");
    // The tool plans again, for a fleet that is changed by now.
    let again = world.plan(bad);
    Some(world.run(&second, &again).unwrap())
}

fn good() -> World {
    let mut world = World::new(2, tiers(&[&["db"], &["eu", "us"]])).guard(50);
    world.limits.max_surge = Quantity::Count(0);
    world.limits.max_unavailable = Quantity::Count(1);
    world
}

#[test]
fn killed_at_any_write_of_the_release_it_ends_as_if_nothing_had_happened() {
    for stores in [false, true] {
        for write in 0.. {
            let world = good();
            let Some(outcome) = killed(&world, &[], Some(release()), write, stores) else {
                assert_eq!(write, 5, "opened, claimed, each tier begun, the last one ended");
                break;
            };
            assert_eq!(outcome, ReleaseOutcome::Done, "write {write}\n{}", world.log.text());
            world.assert_safe();
            assert!(world.least() >= 3, "write {write}: {}", world.least());
            for name in ["db", "eu", "us"] {
                assert_eq!(world.image(name), v(2), "write {write}");
            }
        }
    }
}

#[test]
fn killed_at_any_write_of_any_journal_it_ends_as_if_nothing_had_happened() {
    for stores in [false, true] {
        for write in 0.. {
            let world = good();
            let Some(outcome) = killed(&world, &[], None, write, stores) else { break };
            assert_eq!(outcome, ReleaseOutcome::Done, "write {write}\n{}", world.log.text());
            world.assert_safe();
            assert!(world.least() >= 3, "write {write}: {}", world.least());
        }
    }
}

#[test]
fn killed_on_its_way_back_it_ends_as_if_nothing_had_happened() {
    for stores in [false, true] {
        for write in 0.. {
            let mut world = World::new(2, tiers(&[&["db"], &["eu", "bad"]]));
            world.spec.on_failure = OnGroupFailure::Rollback;
            let Some(outcome) = killed(&world, &["bad"], None, write, stores) else { break };
            assert_eq!(outcome, ReleaseOutcome::RolledBack, "write {write}\n{}", world.log.text());
            world.assert_safe();
            for name in ["db", "eu", "bad"] {
                assert_eq!(world.image(name), v(1), "write {write}");
            }
        }
    }
}

#[test]
fn of_two_controllers_one_wins() {
    for delay in [0, 1, 5, 9, 10, 11, 14, 21, 30] {
        let world = good();
        let plan = world.plan(&[]);
        let store = || Arc::new(world.store.clone());
        let (first, second) = (world.controller_on(store(), "first"), world.controller_on(store(), "second"));
        let token = CancellationToken::new();
        let later = async {
            world.clock.sleep_until(world.now() + secs(delay)).await;
            second.run(&plan, &token).await
        };
        let (one, two) = world.clock.run(async { futures_util::join!(first.run(&plan, &token), later) });
        let superseded = |result: &Result<ReleaseOutcome, ReleaseRunError>| {
            matches!(result, Err(ReleaseRunError::Journal(JournalError::Superseded { .. })))
        };
        assert!(superseded(&one) != superseded(&two), "delay {delay}: {one:?} {two:?}");
        assert_eq!([one, two].into_iter().flatten().collect::<Vec<_>>(), [ReleaseOutcome::Done]);
        world.assert_safe();
        assert!(world.least() >= 3, "delay {delay}: {}", world.least());
    }
}

#[test]
fn a_cancelled_release_is_resumed_by_its_name_alone() {
    let world = good();
    let (plan, token) = (world.plan(&[]), CancellationToken::new());
    let controller = world.controller();
    let cancel = async {
        world.clock.sleep_until(world.now() + secs(15)).await;
        token.cancel();
    };
    let (result, ()) = world.clock.run(async { futures_util::join!(controller.run(&plan, &token), cancel) });
    assert!(matches!(result, Err(ReleaseRunError::Cancelled { .. })), "{result:?}");
    let second = world.controller_on(Arc::new(world.store.clone()), "second");
    let (name, token) = (release(), CancellationToken::new());
    let outcome = world.clock.run(second.resume(&name, &token)).unwrap();
    assert_eq!(outcome, ReleaseOutcome::Done);
    world.assert_safe();
}
