use std::time::Instant;

use immutable_core::fleet::{Fleet, TerminateRequest};

use crate::stage::{Stage, plain_image, requests, until};

const COUNT: u32 = 8;

/// Create and start; stop, remove and the proof: five calls for each replaced container. The lists are shared, but on
/// a slow engine each start and each stop may be noticed by itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_container_costs_few_engine_calls() {
    let stage = Stage::new();
    let requests = requests(COUNT, plain_image(&stage.api));
    let fleet = stage.probed(&[]).await;

    let (begin, before) = (Instant::now(), fleet.engine_calls());
    let waiting = until(&fleet, |all| all.len() == requests.len() && all.iter().all(|one| one.is_ready()));
    let (launched, _) = tokio::join!(fleet.launch(&requests), waiting);
    let (launching, up) = (fleet.engine_calls() - before, begin.elapsed());

    let (begin, before) = (Instant::now(), fleet.engine_calls());
    let all: Vec<_> =
        launched.into_iter().map(|launched| TerminateRequest::new(launched.unwrap().instance)).collect();
    for terminated in fleet.terminate(&all).await {
        terminated.unwrap();
    }
    let (terminating, down) = (fleet.engine_calls() - before, begin.elapsed());
    println!("{COUNT} launched: {launching} engine calls in {up:?}; terminated: {terminating} in {down:?}");

    let count = u64::from(COUNT);
    assert!((2 * count..=6 * count + 4).contains(&launching), "{launching}");
    assert!((3 * count..=3 * count + 2).contains(&terminating), "{terminating}");
}
