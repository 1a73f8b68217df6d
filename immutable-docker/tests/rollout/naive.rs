//! The proof that the load test can fail: containers that are stopped before they leave the router.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use immutable_core::InstanceId;
use immutable_core::fleet::{Route, RouteChange, RouteState, Router, RouterError};
use immutable_core::planner::Conclusion;

use crate::stage::{Stage, verdict};

/// Says that instances have left at once, and lets them leave a second and a half later.
#[derive(Debug)]
struct LateRouter {
    router: Arc<dyn Router>,
    said: Mutex<BTreeSet<InstanceId>>,
}

#[async_trait]
impl Router for LateRouter {
    async fn observe(&self) -> Result<Vec<Route>, RouterError> {
        let mut routes = self.router.observe().await?;
        let said = self.said.lock().unwrap().clone();
        for route in &mut routes {
            if said.contains(&route.instance) {
                route.state = RouteState::Draining;
                route.sessions = 0;
            }
        }
        Ok(routes)
    }

    async fn apply(&self, changes: &[RouteChange]) -> Result<(), RouterError> {
        for change in changes {
            match change {
                RouteChange::Drain { instance } => {
                    self.said.lock().unwrap().insert(instance.clone());
                }
                RouteChange::Detach { .. } => {
                    let (router, change) = (Arc::clone(&self.router), change.clone());
                    tokio::spawn(async move {
                        tokio::time::sleep(Duration::from_millis(1500)).await;
                        let _ = router.apply(&[change]).await;
                    });
                }
                change => self.router.apply(std::slice::from_ref(change)).await?,
            }
        }
        Ok(())
    }
}

#[test]
fn stopping_before_leaving_the_router_is_found_out() {
    let stage = Stage::running(10);
    let router = Arc::new(LateRouter { router: stage.router(), said: Mutex::default() });
    let load = stage.load();
    std::thread::sleep(Duration::from_secs(1));
    let conclusion = stage.roll_behind(router, "second", stage.images.v2, 10);
    std::thread::sleep(Duration::from_secs(2));
    let report = load.stop();
    println!("{report}");
    assert_eq!(conclusion.unwrap(), Conclusion::Completed, "{}", stage.story.text());
    let found = verdict(&report).expect_err("a naive order must not pass");
    println!("found out: {found}");
}
