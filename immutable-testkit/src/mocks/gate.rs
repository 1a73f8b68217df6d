use async_trait::async_trait;
use immutable_core::gate::{GateContext, GateError, Judgement};

mockall::mock! {
    /// A [`Gate`](immutable_core::gate::Gate) of expectations.
    #[derive(Debug)]
    pub Gate {}

    #[async_trait]
    impl immutable_core::gate::Gate for Gate {
        async fn evaluate(&self, context: &GateContext) -> Result<Judgement, GateError>;
    }
}
