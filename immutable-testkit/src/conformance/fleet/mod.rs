//! What every fleet must do.
//!
//! The cases come in four families: launching, health and listing, stopping, and waiting for changes.
//!
//! ```
//! use std::sync::Arc;
//!
//! use immutable_core::controller::Clock;
//! use immutable_core::fleet::Fleet;
//! use immutable_core::{Digest, FleetId, RolloutId, Timestamp};
//! use immutable_testkit::clock::VirtualClock;
//! use immutable_testkit::conformance::Harness;
//! use immutable_testkit::conformance::fleet::FleetHarness;
//! use immutable_testkit::fleet::{ImageBehaviour, MemoryFleet};
//!
//! #[derive(Debug)]
//! struct Memory {
//!     clock: VirtualClock,
//!     fleet: Arc<MemoryFleet>,
//! }
//!
//! impl Memory {
//!     fn new() -> Self {
//!         let clock = VirtualClock::new(Timestamp::UNIX_EPOCH);
//!         let fleet = MemoryFleet::builder(FleetId::new("web").unwrap(), clock.shared())
//!             .image(Digest::of(b"good"), ImageBehaviour::Healthy)
//!             .image(Digest::of(b"bad"), ImageBehaviour::NeverReady)
//!             .build();
//!         Self { clock, fleet }
//!     }
//! }
//!
//! impl Harness for Memory {
//!     fn clock(&self) -> Arc<dyn Clock> {
//!         self.clock.shared()
//!     }
//! }
//!
//! impl FleetHarness for Memory {
//!     fn fleet(&self) -> Arc<dyn Fleet> {
//!         self.fleet.clone()
//!     }
//!     fn good_image(&self) -> Digest {
//!         Digest::of(b"good")
//!     }
//!     fn never_ready_image(&self) -> Digest {
//!         Digest::of(b"bad")
//!     }
//! }
//!
//! immutable_testkit::fleet_conformance! {
//!     harness: Memory::new(),
//!     run: |harness, case| harness.clock.run(case),
//! }
//! # fn main() {}
//! ```

mod changed;
mod harness;
mod launch;
mod listing;
mod probe;
mod stop;

pub use changed::{
    changed_returns_at_once_for_a_stale_revision, changed_wakes_on_a_launch, changed_wakes_on_a_termination,
    changed_wakes_when_an_instance_becomes_ready,
};
pub use harness::FleetHarness;
pub use launch::{
    a_batch_with_a_bad_request_does_the_others, a_dropped_launch_can_be_repeated,
    a_missing_image_is_refused_and_launches_nothing, a_token_of_another_request_is_refused,
    an_unknown_zone_is_refused, concurrent_launches_with_one_token_launch_once,
    launch_is_idempotent_by_token, launch_results_are_in_order, one_batch_with_a_token_twice_launches_once,
};
pub use listing::{
    a_good_image_passes_the_check, a_launched_instance_becomes_ready,
    a_never_ready_image_never_becomes_ready, another_view_shows_the_same_instances, capabilities_are_usable,
    instances_of_another_fleet_are_not_shown, launched_instances_show_origin_image_and_zone,
    snapshots_are_sorted_and_their_revisions_grow,
};
pub use stop::{
    a_dropped_terminate_can_be_repeated, drain_may_be_repeated_and_stops_nothing, terminate_may_be_repeated,
    terminate_of_an_unknown_instance_succeeds, terminate_proves_that_instances_are_gone,
};
