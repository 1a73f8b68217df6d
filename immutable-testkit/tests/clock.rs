//! Virtual time.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{BoxFuture, Either, join, select};
use futures_util::stream::FuturesUnordered;
use immutable_core::Timestamp;
use immutable_core::controller::Clock;
use immutable_testkit::clock::{Stalled, VirtualClock};

fn clock() -> VirtualClock {
    VirtualClock::new("2026-11-23T10:00:00Z".parse().unwrap())
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn sleepers_wake_in_order_of_time_then_of_registration() {
    let clock = clock();
    let start = clock.now();
    let order = clock.run(async {
        let sleeps: FuturesUnordered<BoxFuture<'_, u32>> = FuturesUnordered::new();
        for (name, wait) in [(0, 30), (1, 10), (2, 20), (3, 10), (4, 0)] {
            let clock = &clock;
            sleeps.push(Box::pin(async move {
                clock.sleep_until(start + SECOND * wait).await;
                name
            }));
        }
        sleeps.collect::<Vec<_>>().await
    });
    assert_eq!(order, [4, 1, 3, 2, 0]);
    assert_eq!(clock.now(), start + SECOND * 30);
}

#[test]
fn a_dropped_sleep_leaves_no_timer() {
    let clock = clock();
    let start = clock.now();
    clock.run(async {
        let long = clock.sleep_until(start + SECOND * 100);
        let short = clock.sleep_until(start + SECOND);
        match select(long, short).await {
            Either::Left(_) => panic!("the longer sleep ended first"),
            Either::Right(((), long)) => {
                assert_eq!(clock.sleepers(), 1);
                drop(long);
            }
        }
    });
    assert_eq!((clock.sleepers(), clock.now()), (0, start + SECOND));
}

#[test]
fn tokio_primitives_work_without_a_runtime() {
    let clock = clock();
    let start = clock.now();
    let (sender, mut receiver) = tokio::sync::mpsc::channel(1);
    let produce = async {
        for n in 0..5 {
            clock.sleep_until(start + SECOND * n).await;
            sender.send(n).await.unwrap();
        }
        drop(sender);
    };
    let consume = async {
        let mut seen = Vec::new();
        while let Some(n) = receiver.recv().await {
            seen.push((n, clock.now().since(start)));
        }
        seen
    };
    let ((), seen) = clock.run(join(produce, consume));
    assert_eq!(seen, (0..5).map(|n| (n, SECOND * n)).collect::<Vec<_>>());
}

#[test]
#[should_panic(expected = "deadlock: the future waits and no timer is pending")]
fn a_deadlock_is_named() {
    clock().run(std::future::pending::<()>());
}

#[test]
fn a_stalled_future_says_how() {
    let clock = clock();
    let start = clock.now();
    let limit = start + SECOND * 5;
    assert_eq!(
        clock.run_until(limit, clock.sleep_until(start + SECOND * 9)),
        Err(Stalled::TimeLimit { limit, next: start + SECOND * 9 })
    );
    assert_eq!((clock.now(), clock.sleepers()), (limit, 0));
    assert_eq!(
        clock.run_until(Timestamp::MAX, std::future::pending::<()>()),
        Err(Stalled::Deadlock { at: limit })
    );
    let spin = std::future::poll_fn(|context| -> std::task::Poll<()> {
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    });
    assert!(matches!(clock.run_until(Timestamp::MAX, spin), Err(Stalled::Livelock { .. })));
}

#[test]
fn a_hundred_thousand_wakeups_are_cheap() {
    let clock = clock();
    let start = clock.now();
    let began = std::time::Instant::now();
    let sleepers: Vec<BoxFuture<'_, ()>> = (0..10_000_u32)
        .map(|n| -> BoxFuture<'_, ()> {
            let clock = clock.clone();
            Box::pin(async move {
                for round in 1..=10 {
                    clock.sleep_until(start + SECOND * round + Duration::from_millis(u64::from(n))).await;
                }
            })
        })
        .collect();
    clock.run_all(sleepers);
    let took = began.elapsed();
    println!("100,000 wakeups: {took:?}");
    assert!(took < Duration::from_secs(20), "{took:?}");
}

#[test]
fn time_moved_by_hand_wakes() {
    let clock = Arc::new(clock());
    let start = clock.now();
    clock.advance(SECOND * 3);
    assert_eq!(clock.now(), start + SECOND * 3);
    clock.run(clock.sleep_until(start));
    assert_eq!(clock.now(), start + SECOND * 3);
}
