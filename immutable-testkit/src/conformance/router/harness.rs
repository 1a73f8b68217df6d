use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use immutable_core::InstanceId;
use immutable_core::fleet::Router;

use crate::conformance::Harness;

/// How the suite gets at a router that has no routes of instances.
#[async_trait]
pub trait RouterHarness: Harness {
    /// The router under test.
    fn router(&self) -> Arc<dyn Router>;

    /// Number `n` of the instances that routes can be made to; the suite uses less than ten.
    fn instance(&self, n: u8) -> InstanceId {
        #[expect(clippy::expect_used, reason = "letters, dashes and a number")]
        InstanceId::new(format!("conformance-{n}")).expect("a valid identifier")
    }

    /// Where instance number `n` takes requests; with `moved`, where it does after its address has changed. Nothing
    /// needs to listen there.
    fn endpoint(&self, n: u8, moved: bool) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::new(127, 0, 0, 1), 20_000 + u16::from(n) + if moved { 100 } else { 0 }))
    }

    /// Restarts the router, if the harness can; returns whether it has.
    async fn restart(&self) -> bool {
        false
    }

    /// The longest it may take until a change or a restart can be observed.
    fn patience(&self) -> Duration {
        Duration::from_secs(20)
    }

    /// How long to wait between two looks.
    fn poll_interval(&self) -> Duration {
        Duration::from_millis(100)
    }
}
