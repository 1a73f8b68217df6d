use immutable_core::image::{Catalog, CatalogError, Image, Reference};
use immutable_core::{Digest, ImageName};

use super::CatalogHarness;
use super::cases::{channel, image, matching, published, resolves_to};
use crate::conformance::outcome::ensure;
use crate::conformance::{CaseResult, Outcome, Violation};

fn revoked<T: std::fmt::Debug>(
    what: &str,
    result: Result<T, CatalogError>,
    expected: &Digest,
) -> Result<(), Violation> {
    ensure(matches!(&result, Err(CatalogError::Revoked { digest, .. }) if digest == expected), || {
        format!("{what}: expected Revoked {expected}, got {result:?}")
    })
}

/// By digest, by version (the only one) and by channel.
async fn is_revoked(catalog: &dyn Catalog, name: &ImageName, image: &Image) -> Result<(), Violation> {
    let only = matching(&format!("={}", image.version))?;
    for reference in [Reference::Digest(image.digest), only] {
        revoked(&format!("{reference:?}"), catalog.resolve(name, &reference).await, &image.digest)?;
    }
    revoked("promote", catalog.promote(&image.digest, &channel("edge")?).await, &image.digest)
}

/// A revoked image is no answer to anything, also where a channel points to it, and cannot be promoted. A requirement
/// that another image meets means that one.
pub async fn a_revoked_image_is_never_resolved<H: CatalogHarness + ?Sized>(harness: &H) -> CaseResult {
    let (catalog, name) = (harness.catalog(), harness.name("revoked"));
    let [good, bad] = published(&*catalog, &name, ["1.0.0", "1.1.0"]).await?;
    let stable = channel("stable")?;
    catalog.promote(&bad.digest, &stable).await?;
    for _ in 0..2 {
        catalog.revoke(&bad.digest, "leaks keys", false).await?;
        is_revoked(&*catalog, &name, &bad).await?;
        let by_channel = catalog.resolve(&name, &Reference::Channel(stable.clone())).await;
        revoked("the channel", by_channel, &bad.digest)?;
        resolves_to(&*catalog, &name, &matching("^1")?, &good).await?;
    }
    catalog.deprecate(&bad.digest, "old").await?;
    is_revoked(&*catalog, &name, &bad).await?;
    Ok(Outcome::Held)
}

/// Whoever publishes a revoked image again, as an active one, changes nothing.
pub async fn publishing_again_does_not_undo_a_revocation<H: CatalogHarness + ?Sized>(
    harness: &H,
) -> CaseResult {
    let (catalog, name) = (harness.catalog(), harness.name("republished"));
    let [bad] = published(&*catalog, &name, ["1.0.0"]).await?;
    catalog.revoke(&bad.digest, "leaks keys", false).await?;
    catalog.publish(&bad).await?;
    is_revoked(&*catalog, &name, &bad).await?;
    Ok(Outcome::Held)
}

async fn family<H: CatalogHarness + ?Sized>(harness: &H, name: &ImageName) -> Result<[Image; 3], Violation> {
    let catalog = harness.catalog();
    let [base] = published(&*catalog, name, ["1.0.0"]).await?;
    let mut child = image(name, "2.0.0")?;
    child.parent = Some(base.digest);
    let mut grandchild = image(name, "3.0.0")?;
    grandchild.parent = Some(child.digest);
    catalog.publish(&child).await?;
    catalog.publish(&grandchild).await?;
    Ok([base, child, grandchild])
}

/// With descent, every image on top is revoked, through all generations, also one that is published later.
pub async fn a_revocation_descends<H: CatalogHarness + ?Sized>(harness: &H) -> CaseResult {
    let (catalog, name) = (harness.catalog(), harness.name("descends"));
    let images = family(harness, &name).await?;
    let [unrelated] = published(&*catalog, &name, ["0.1.0"]).await?;
    catalog.revoke(&images[0].digest, "bad base", true).await?;
    let mut late = image(&name, "4.0.0")?;
    late.parent = Some(images[2].digest);
    catalog.publish(&late).await?;
    for image in images.iter().chain([&late]) {
        is_revoked(&*catalog, &name, image).await?;
    }
    resolves_to(&*catalog, &name, &matching("*")?, &unrelated).await?;
    Ok(Outcome::Held)
}

/// Without descent, only the image itself is revoked; it can be widened later.
pub async fn a_revocation_without_descent_does_not<H: CatalogHarness + ?Sized>(harness: &H) -> CaseResult {
    let (catalog, name) = (harness.catalog(), harness.name("stays"));
    let [base, child, grandchild] = family(harness, &name).await?;
    catalog.revoke(&base.digest, "bad base", false).await?;
    is_revoked(&*catalog, &name, &base).await?;
    for image in [&child, &grandchild] {
        resolves_to(&*catalog, &name, &Reference::Digest(image.digest), image).await?;
    }
    catalog.revoke(&base.digest, "worse than thought", true).await?;
    for image in [&base, &child, &grandchild] {
        is_revoked(&*catalog, &name, image).await?;
    }
    Ok(Outcome::Held)
}
