//! A [`mockall`] mock of every trait of the core (feature `mocks`), for tests that are about one call rather than about
//! a rollout. For those there are the fakes of this crate.
//!
//! ```
//! use immutable_core::gate::{Gate, GateContext, Judgement, Verdict};
//! use immutable_core::{Digest, GateName, RolloutId, Timestamp};
//! use immutable_testkit::clock::VirtualClock;
//! use immutable_testkit::mocks::MockGate;
//!
//! let mut gate = MockGate::new();
//! gate.expect_evaluate().times(1).returning(|_| Ok(Judgement::new(Verdict::Pass, "errors", "none")));
//!
//! let clock = VirtualClock::new(Timestamp::UNIX_EPOCH);
//! let now = Timestamp::UNIX_EPOCH;
//! let (rollout, name) = (RolloutId::new("deploy").unwrap(), GateName::new("errors").unwrap());
//! let context = GateContext::new(rollout, name, now, now, Digest::of(b"web 2"));
//! assert_eq!(clock.run(gate.evaluate(&context)).unwrap().verdict, Verdict::Pass);
//! ```

mod catalog;
mod clock;
mod event_sink;
mod fleet;
mod gate;
mod image_builder;
mod journal_store;
mod metric_source;
mod rollout_strategy;
mod router;

pub use catalog::MockCatalog;
pub use clock::MockClock;
pub use event_sink::MockEventSink;
pub use fleet::MockFleet;
pub use gate::MockGate;
pub use image_builder::MockImageBuilder;
pub use journal_store::MockJournalStore;
pub use metric_source::MockMetricSource;
pub use rollout_strategy::MockRolloutStrategy;
pub use router::MockRouter;
