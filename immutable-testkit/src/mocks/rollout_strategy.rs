use immutable_core::strategy::{Stage, StrategyContext, StrategyError};

mockall::mock! {
    /// A [`RolloutStrategy`](immutable_core::strategy::RolloutStrategy) of expectations.
    #[derive(Debug)]
    pub RolloutStrategy {}

    impl immutable_core::strategy::RolloutStrategy for RolloutStrategy {
        fn name(&self) -> &str;
        fn stages(&self, context: &StrategyContext) -> Result<Vec<Stage>, StrategyError>;
    }
}
