//! What others do meanwhile is repaired.

use std::time::Duration;

use immutable_core::Quantity;
use immutable_core::planner::Conclusion;
use tokio_util::sync::CancellationToken;

use crate::stage::Stage;

#[test]
fn a_restarted_haproxy_and_a_killed_container_are_repaired() {
    let mut stage = Stage::running(10);
    stage.limits.max_failures = Quantity::Count(3);
    let (fleet, plan) = stage.block_on(async {
        let fleet = stage.fleet().await;
        let plan = stage.plan(&*fleet, "second", stage.images.v2, 10).await;
        (fleet, plan)
    });
    let controller = stage.controller(fleet, stage.router());
    let (done, conclusion) = std::sync::mpsc::channel();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.spawn(async move {
        let _ = done.send(controller.run(&plan, &CancellationToken::new()).await);
    });
    // In the middle: some of the new ones are there, and most of the old ones.
    let new_image = stage.images.v2.to_string();
    let new = || stage.containers().iter().filter(|container| container["ImageID"] == new_image).count();
    while new() < 4 {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(conclusion.try_recv().is_err(), "it must not be over yet");
    stage.haproxy.kill();
    std::thread::sleep(Duration::from_millis(500));
    stage.haproxy.restart().unwrap();
    let victims = stage.containers();
    let victim = victims.iter().find(|container| container["State"] == "running").unwrap();
    let id = victim["Id"].as_str().unwrap();
    stage.lab.api().request("POST", &format!("/containers/{id}/kill?signal=KILL"), "", &[]).unwrap();

    let conclusion = conclusion.recv_timeout(Duration::from_secs(120));
    let conclusion = conclusion.unwrap_or_else(|_| panic!("still running:\n{}", stage.story.text()));
    assert_eq!(conclusion.unwrap(), Conclusion::Completed, "{}", stage.story.text());
    stage.assert_ends_with(stage.images.v2, 10);
    assert!(stage.containers().iter().all(|container| container["Id"] != id), "the killed one is gone");
}
