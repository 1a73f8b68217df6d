use immutable_core::image::{
    Catalog, CatalogError, Dependency, Image, Location, Provenance, Reference, Status,
};
use immutable_core::{Channel, Digest, ImageName};
use semver::{Version, VersionReq};

use super::CatalogHarness;
use crate::conformance::outcome::{ensure, same};
use crate::conformance::{CaseResult, Outcome, Violation};

pub(super) fn text(error: impl std::fmt::Display) -> Violation {
    Violation::new(error.to_string())
}

/// An image whose content is its name and version.
pub(super) fn image(name: &ImageName, version: &str) -> Result<Image, Violation> {
    let version: Version = version.parse().map_err(text)?;
    let digest = Digest::of(format!("conformance {name} {version}").as_bytes());
    Ok(Image::new(name.clone(), version, digest))
}

pub(super) fn matching(wanted: &str) -> Result<Reference, Violation> {
    Ok(Reference::Version(wanted.parse::<VersionReq>().map_err(text)?))
}

pub(super) fn channel(name: &str) -> Result<Channel, Violation> {
    Channel::new(name).map_err(text)
}

/// Publishes images of these versions.
pub(super) async fn published<const N: usize>(
    catalog: &dyn Catalog,
    name: &ImageName,
    versions: [&str; N],
) -> Result<[Image; N], Violation> {
    let mut images = Vec::new();
    for version in versions {
        let image = image(name, version)?;
        catalog.publish(&image).await?;
        images.push(image);
    }
    <[Image; N]>::try_from(images).map_err(|_| Violation::new("as many images as versions"))
}

pub(super) async fn resolves_to(
    catalog: &dyn Catalog,
    name: &ImageName,
    reference: &Reference,
    expected: &Image,
) -> Result<(), Violation> {
    let seen = catalog.resolve(name, reference).await?;
    same(&format!("{reference:?} of {name}"), seen.digest, expected.digest)
}

pub(super) fn not_found<T: std::fmt::Debug>(
    what: &str,
    result: Result<T, CatalogError>,
) -> Result<(), Violation> {
    ensure(matches!(result, Err(CatalogError::NotFound { .. })), || {
        format!("{what}: expected NotFound, got {result:?}")
    })
}

/// Every field of a record comes back as it was published.
pub async fn a_published_image_is_found_whole<H: CatalogHarness + ?Sized>(harness: &H) -> CaseResult {
    let (catalog, name) = (harness.catalog(), harness.name("whole"));
    let [parent] = published(&*catalog, &name, ["0.1.0"]).await?;
    let mut full = image(&name, "1.2.3-rc.1+build.7")?;
    full.recipe = Some(Digest::of(b"recipe"));
    full.parent = Some(parent.digest);
    let mut provenance = Provenance::new("conformance");
    provenance.revision = Some("0123abc".to_owned());
    provenance.dependencies.push(Dependency { name: "pkg:a".to_owned(), digest: Digest::of(b"a") });
    full.provenance = Some(provenance);
    full.locations.push(Location { platform: "p".to_owned(), region: None, reference: "r".to_owned() });
    full.created = Some(harness.clock().now());
    full.labels.insert("key".to_owned(), "a value, with é and \"quotes\"".to_owned());
    catalog.publish(&full).await?;
    same("the image", catalog.resolve(&name, &Reference::Digest(full.digest)).await?, full)?;
    Ok(Outcome::Held)
}

/// The same image may be published again.
pub async fn publish_may_be_repeated<H: CatalogHarness + ?Sized>(harness: &H) -> CaseResult {
    let (catalog, name) = (harness.catalog(), harness.name("again"));
    let [first] = published(&*catalog, &name, ["1.0.0"]).await?;
    catalog.publish(&first).await?;
    same("the list", catalog.list(&name).await?, vec![first])?;
    Ok(Outcome::Held)
}

/// A version that means one digest cannot be made to mean another.
pub async fn a_version_is_never_reused<H: CatalogHarness + ?Sized>(harness: &H) -> CaseResult {
    let (catalog, name) = (harness.catalog(), harness.name("conflict"));
    let [first] = published(&*catalog, &name, ["1.0.0"]).await?;
    let other = Image::new(name.clone(), first.version.clone(), Digest::of(b"other content"));
    match catalog.publish(&other).await {
        Err(CatalogError::Conflict { existing, .. }) => same("what exists", existing, first.digest)?,
        result => return Err(Violation::new(format!("expected Conflict, got {result:?}"))),
    }
    same("the list", catalog.list(&name).await?, vec![first])?;
    Ok(Outcome::Held)
}

/// A requirement means the highest version that matches, compared as versions and not as texts.
pub async fn the_highest_active_version_is_resolved<H: CatalogHarness + ?Sized>(harness: &H) -> CaseResult {
    let (catalog, name) = (harness.catalog(), harness.name("highest"));
    let [_, nine, ten, two, _] =
        published(&*catalog, &name, ["1.2.0", "1.9.0", "1.10.0", "2.0.0", "3.0.0-rc.1"]).await?;
    published(&*catalog, &harness.name("highest-other"), ["1.99.0"]).await?;
    resolves_to(&*catalog, &name, &matching("^1")?, &ten).await?;
    resolves_to(&*catalog, &name, &matching("<1.10")?, &nine).await?;
    resolves_to(&*catalog, &name, &matching("*")?, &two).await?;
    catalog.deprecate(&ten.digest, "slow").await?;
    resolves_to(&*catalog, &name, &matching("^1")?, &nine).await?;
    Ok(Outcome::Held)
}

/// What is not in the catalog is not found, whatever it is named by; an image of another name is another image.
pub async fn an_unknown_image_is_not_found<H: CatalogHarness + ?Sized>(harness: &H) -> CaseResult {
    let (catalog, name, other) = (harness.catalog(), harness.name("known"), harness.name("unknown"));
    let [known] = published(&*catalog, &name, ["1.0.0"]).await?;
    catalog.promote(&known.digest, &channel("stable")?).await?;
    let nobody = Reference::Digest(Digest::of(b"nobody"));
    for (name, reference) in [
        (&name, nobody),
        (&name, matching("^2")?),
        (&name, Reference::Channel(channel("edge")?)),
        (&other, Reference::Digest(known.digest)),
        (&other, matching("*")?),
        (&other, Reference::Channel(channel("stable")?)),
    ] {
        not_found(&format!("{reference:?} of {name}"), catalog.resolve(name, &reference).await)?;
    }
    same("the list of an unknown name", catalog.list(&other).await?, Vec::new())?;
    same("the collection of an unknown name", catalog.collect(&other, &[]).await?, Vec::new())?;
    Ok(Outcome::Held)
}

/// A channel points to the image it was last pointed to, also back to an older one.
pub async fn a_channel_moves<H: CatalogHarness + ?Sized>(harness: &H) -> CaseResult {
    let (catalog, name) = (harness.catalog(), harness.name("channel"));
    let [one, two] = published(&*catalog, &name, ["1.0.0", "2.0.0"]).await?;
    let stable = channel("stable")?;
    for image in [&one, &two, &two, &one] {
        catalog.promote(&image.digest, &stable).await?;
        resolves_to(&*catalog, &name, &Reference::Channel(stable.clone()), image).await?;
    }
    Ok(Outcome::Held)
}

/// Whatever is to be done to an image that is not there is refused.
pub async fn an_unknown_image_cannot_be_promoted_deprecated_or_revoked<H: CatalogHarness + ?Sized>(
    harness: &H,
) -> CaseResult {
    let catalog = harness.catalog();
    let nobody = Digest::of(b"nobody");
    not_found("promote", catalog.promote(&nobody, &channel("stable")?).await)?;
    not_found("deprecate", catalog.deprecate(&nobody, "reason").await)?;
    not_found("revoke", catalog.revoke(&nobody, "reason", true).await)?;
    Ok(Outcome::Held)
}

/// A deprecated image is no answer to a requirement, but can still be named by its content.
pub async fn a_deprecated_image_is_found_by_digest_only<H: CatalogHarness + ?Sized>(
    harness: &H,
) -> CaseResult {
    let (catalog, name) = (harness.catalog(), harness.name("deprecated"));
    let [old] = published(&*catalog, &name, ["1.0.0"]).await?;
    for _ in 0..2 {
        catalog.deprecate(&old.digest, "slow").await?;
        not_found("a requirement", catalog.resolve(&name, &matching("*")?).await)?;
        let seen = catalog.resolve(&name, &Reference::Digest(old.digest)).await?;
        same("status", seen.status, Status::Deprecated { reason: "slow".to_owned() })?;
    }
    Ok(Outcome::Held)
}

/// Images are listed lowest version first, compared as versions, with their status.
pub async fn the_list_is_in_order_of_versions<H: CatalogHarness + ?Sized>(harness: &H) -> CaseResult {
    let (catalog, name) = (harness.catalog(), harness.name("list"));
    let [ten, nine, candidate, one] =
        published(&*catalog, &name, ["1.10.0", "1.9.0", "1.9.0-rc.1", "0.1.0"]).await?;
    catalog.revoke(&one.digest, "bad", false).await?;
    let seen = catalog.list(&name).await?;
    let digests: Vec<_> = seen.iter().map(|image| image.digest).collect();
    same("the list", digests, vec![one.digest, candidate.digest, nine.digest, ten.digest])?;
    ensure(matches!(seen[0].status, Status::Revoked { .. }), || format!("status of {:?}", seen[0]))?;
    Ok(Outcome::Held)
}

/// Collection removes what nobody needs: not what is to be kept, not what a channel points to, not what those were
/// baked on, directly or not.
pub async fn collect_spares_what_is_needed<H: CatalogHarness + ?Sized>(harness: &H) -> CaseResult {
    let (catalog, name) = (harness.catalog(), harness.name("collect"));
    let [base, in_channel, loose] = published(&*catalog, &name, ["0.1.0", "0.2.0", "0.3.0"]).await?;
    let mut middle = image(&name, "1.0.0")?;
    middle.parent = Some(base.digest);
    let mut kept = image(&name, "2.0.0")?;
    kept.parent = Some(middle.digest);
    let mut unkept = image(&name, "3.0.0")?;
    unkept.parent = Some(loose.digest);
    for image in [&middle, &kept, &unkept] {
        catalog.publish(image).await?;
    }
    catalog.promote(&in_channel.digest, &channel("stable")?).await?;
    let [other] = published(&*catalog, &harness.name("collect-other"), ["1.0.0"]).await?;

    let mut removed = catalog.collect(&name, &[kept.digest]).await?;
    removed.sort();
    let mut expected = vec![loose.digest, unkept.digest];
    expected.sort();
    same("what was removed", removed, expected)?;
    let left: Vec<_> = catalog.list(&name).await?.iter().map(|image| image.digest).collect();
    same("what is left", left, vec![base.digest, in_channel.digest, middle.digest, kept.digest])?;
    same("what the other name has left", catalog.list(&other.name).await?.len(), 1)?;
    same("what a second collection removes", catalog.collect(&name, &[kept.digest]).await?, Vec::new())?;
    Ok(Outcome::Held)
}
