use async_trait::async_trait;
use immutable_core::image::{CatalogError, Image, Reference};
use immutable_core::{Channel, Digest, ImageName};

mockall::mock! {
    /// A [`Catalog`](immutable_core::image::Catalog) of expectations.
    #[derive(Debug)]
    pub Catalog {}

    #[async_trait]
    impl immutable_core::image::Catalog for Catalog {
        async fn publish(&self, image: &Image) -> Result<(), CatalogError>;
        async fn resolve(&self, name: &ImageName, reference: &Reference) -> Result<Image, CatalogError>;
        async fn promote(&self, digest: &Digest, channel: &Channel) -> Result<(), CatalogError>;
        async fn deprecate(&self, digest: &Digest, reason: &str) -> Result<(), CatalogError>;
        async fn revoke(&self, digest: &Digest, reason: &str, descend: bool) -> Result<(), CatalogError>;
        async fn list(&self, name: &ImageName) -> Result<Vec<Image>, CatalogError>;
        async fn collect(&self, name: &ImageName, keep: &[Digest]) -> Result<Vec<Digest>, CatalogError>;
    }
}
