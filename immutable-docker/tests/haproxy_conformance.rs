//! The HAProxy router passes the suite that every router passes, each case on a HAProxy of its own.

#![expect(clippy::unwrap_used, reason = "a test whose setup fails must fail")]

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use immutable_core::controller::{Clock, SystemClock};
use immutable_core::fleet::Router;
use immutable_docker::haproxy::{AdminAddress, BackendName, HaproxyConfig, HaproxyRouter};
use immutable_lab::{Haproxy, HaproxyOptions};
use immutable_testkit::conformance::Harness;
use immutable_testkit::conformance::router::RouterHarness;
use tokio::runtime::Runtime;

#[derive(Debug)]
struct HaproxyHarness {
    proxy: Mutex<Haproxy>,
    router: Arc<HaproxyRouter>,
    runtime: Runtime,
}

impl HaproxyHarness {
    fn start() -> Self {
        let proxy = Haproxy::start(HaproxyOptions::new("web")).unwrap();
        let admin = AdminAddress::unix(proxy.admin_socket());
        let config = HaproxyConfig::new(admin, BackendName::new("web").unwrap());
        Self {
            proxy: Mutex::new(proxy),
            router: Arc::new(HaproxyRouter::new(config)),
            runtime: Runtime::new().unwrap(),
        }
    }
}

#[async_trait]
impl Harness for HaproxyHarness {
    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(SystemClock::new())
    }
}

#[async_trait]
impl RouterHarness for HaproxyHarness {
    fn router(&self) -> Arc<dyn Router> {
        Arc::<HaproxyRouter>::clone(&self.router)
    }

    async fn restart(&self) -> bool {
        self.proxy.lock().unwrap().restart().unwrap();
        true
    }
}

immutable_testkit::router_conformance! {
    harness: HaproxyHarness::start(),
    run: |harness, case| harness.runtime.block_on(case),
}
