use async_trait::async_trait;
use immutable_core::image::{BakeError, Image, Recipe};

mockall::mock! {
    /// An [`ImageBuilder`](immutable_core::image::ImageBuilder) of expectations.
    #[derive(Debug)]
    pub ImageBuilder {}

    #[async_trait]
    impl immutable_core::image::ImageBuilder for ImageBuilder {
        async fn bake(&self, recipe: &Recipe) -> Result<Image, BakeError>;
    }
}
