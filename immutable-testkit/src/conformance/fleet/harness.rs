use std::sync::Arc;
use std::time::Duration;

use immutable_core::fleet::Fleet;
use immutable_core::{Digest, InstanceId, RolloutId};

use crate::conformance::Harness;

/// How the suite gets at a fleet. The fleet needs no instances; those it has are left alone.
pub trait FleetHarness: Harness {
    /// The fleet under test.
    fn fleet(&self) -> Arc<dyn Fleet>;

    /// An image that exists on the platform; its instances become ready.
    fn good_image(&self) -> Digest;

    /// An image that exists on the platform; its instances start and never become ready.
    fn never_ready_image(&self) -> Digest;

    /// An image that does not exist on the platform.
    fn missing_image(&self) -> Digest {
        Digest::of(b"immutable conformance: an image that nobody has baked")
    }

    /// An identifier that no instance has.
    fn unknown_instance(&self) -> InstanceId {
        #[expect(clippy::expect_used, reason = "a constant")]
        InstanceId::new("no-such-instance").expect("a valid identifier")
    }

    /// A name that no rollout on the platform had before this harness was made.
    fn rollout(&self) -> RolloutId {
        #[expect(clippy::expect_used, reason = "a constant")]
        RolloutId::new("conformance").expect("a valid name")
    }

    /// The same fleet through another object, as another process has it.
    fn second_view(&self) -> Option<Arc<dyn Fleet>> {
        None
    }

    /// Another fleet on the same platform that has the good image.
    fn other_fleet(&self) -> Option<Arc<dyn Fleet>> {
        None
    }

    /// The longest that anything may take: a launch until the instance is ready, a termination until it is no longer
    /// listed, the notice of a change.
    fn patience(&self) -> Duration {
        Duration::from_secs(60)
    }

    /// For how long an instance of [`never_ready_image`](Self::never_ready_image) is watched.
    fn watch_never_ready(&self) -> Duration {
        Duration::from_secs(15)
    }

    /// How long to wait between two looks.
    fn poll_interval(&self) -> Duration {
        Duration::from_millis(200)
    }
}
