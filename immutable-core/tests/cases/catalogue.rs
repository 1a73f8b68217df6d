//! How much of its history a Kubernetes `Deployment` keeps. Old replica sets are old images here.

use immutable_core::image::{Catalog, CatalogError, Image};
use immutable_core::{Digest, ImageName};
use immutable_testkit::catalog::MemoryCatalog;
use immutable_testkit::clock::VirtualClock;

use crate::table::{Answers, Row, Table};
use crate::world::{image, now};

pub(crate) const TABLES: &[Table] = &[Table { name: "k8s_history_cleanup", ask: history_cleanup }];

/// An old replica set, `name:spec:status[:revision:rank of its age][(deleting)]`, as an image: the revision is its
/// version, and where there is none the age decides below all versions.
fn old_set(text: &str) -> (Image, bool) {
    let cells: Vec<&str> = text.trim_end_matches("(deleting)").split(':').collect();
    let number = |at: usize, other: &str| {
        cells.get(at).filter(|cell| !cell.is_empty()).copied().unwrap_or(other).to_owned()
    };
    let by_name = cells[0].trim_start_matches("foo-");
    let version = format!("{}.0.{}", number(3, "0"), number(4, by_name));
    let name = ImageName::new("foo").unwrap();
    let used = cells[1..=2].iter().any(|instances| *instances != "0");
    (Image::new(name, version.parse().unwrap(), image(cells[0])), used)
}

/// Which images are collected when the newest of them and those that have instances are kept.
fn history_cleanup(row: &Row) -> Answers {
    let text = row.text("old_sets");
    let sets: Vec<(&str, (Image, bool))> =
        text.split('|').map(|text| (text.split(':').next().unwrap(), old_set(text))).collect();
    let name = ImageName::new("foo").unwrap();
    let catalog = MemoryCatalog::new();
    let collect = async {
        for (_, (image, _)) in &sets {
            catalog.publish(image).await?;
        }
        // A set is kept as one of the newest only if nothing runs on it: what runs is kept anyway.
        let newest = catalog.list(&name).await?.into_iter().rev().take(row.number("history_limit") as usize);
        let used = sets.iter().filter(|(_, (_, used))| *used).map(|(_, (image, _))| image.digest);
        let keep: Vec<Digest> = newest.map(|image| image.digest).chain(used).collect();
        if text.contains("(deleting)") {
            catalog.collect(&name, &keep).await?;
        }
        catalog.collect(&name, &keep).await
    };
    let collected =
        VirtualClock::new(now()).run(collect).unwrap_or_else(|error: CatalogError| panic!("{error}"));
    let names =
        |digest: &Digest| sets.iter().find(|(_, (image, _))| image.digest == *digest).unwrap().0.to_owned();
    let mut names: Vec<String> = collected.iter().map(names).collect();
    names.sort();
    match row.text("expect_deleted_names") {
        "" => Answers::new(row.text("expect_deleted_count"), names.len()),
        expected => Answers::new(expected, names.join("|")),
    }
}
