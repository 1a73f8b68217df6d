use async_trait::async_trait;
use immutable_core::{ClockId, Timestamp};

mockall::mock! {
    /// A [`Clock`](immutable_core::controller::Clock) of expectations; see
    /// [`VirtualClock`](crate::clock::VirtualClock) for one that works.
    #[derive(Debug)]
    pub Clock {}

    #[async_trait]
    impl immutable_core::controller::Clock for Clock {
        fn now(&self) -> Timestamp;
        async fn sleep_until(&self, at: Timestamp);
        fn id(&self) -> ClockId;
    }
}
