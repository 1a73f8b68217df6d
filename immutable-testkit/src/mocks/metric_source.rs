use async_trait::async_trait;
use immutable_core::gate::{MetricError, MetricQuery, Sample};

mockall::mock! {
    /// A [`MetricSource`](immutable_core::gate::MetricSource) of expectations.
    #[derive(Debug)]
    pub MetricSource {}

    #[async_trait]
    impl immutable_core::gate::MetricSource for MetricSource {
        async fn read(&self, query: &MetricQuery) -> Result<Vec<Sample>, MetricError>;
    }
}
