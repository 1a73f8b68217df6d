use async_trait::async_trait;
use immutable_core::fleet::{
    Capabilities, DrainRequest, FleetError, LaunchRequest, Launched, Snapshot, TerminateRequest, Terminated,
};
use immutable_core::{Digest, FleetId};

mockall::mock! {
    /// A [`Fleet`](immutable_core::fleet::Fleet) of expectations.
    #[derive(Debug)]
    pub Fleet {}

    #[async_trait]
    impl immutable_core::fleet::Fleet for Fleet {
        fn id(&self) -> &FleetId;
        fn capabilities(&self) -> Capabilities;
        async fn observe(&self) -> Result<Snapshot, FleetError>;
        async fn changed(&self, since: u64);
        async fn check(&self, image: &Digest) -> Result<(), FleetError>;
        async fn launch(&self, requests: &[LaunchRequest]) -> Vec<Result<Launched, FleetError>>;
        async fn drain(&self, requests: &[DrainRequest]) -> Vec<Result<(), FleetError>>;
        async fn terminate(&self, requests: &[TerminateRequest]) -> Vec<Result<Terminated, FleetError>>;
    }
}
