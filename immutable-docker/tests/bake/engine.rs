//! A real engine takes the archives and comes to the same digests.

use std::path::Path;
use std::time::Instant;

use immutable_core::image::BakeError;
use immutable_core::{Digest, ImageName};
use immutable_docker::bake::{Archive, ArchiveRecipe, DockerImages};
use immutable_lab::{Lab, unique_name};
use serde_json::json;
use tempfile::TempDir;

use super::folder;

fn web(lab: &Lab, marker: &str) -> (TempDir, Archive) {
    let dir = tempfile::tempdir().unwrap();
    let binary = std::fs::read(lab.web_binary().unwrap().path()).unwrap();
    folder::write(dir.path(), "bin/web", binary, 0o755);
    folder::write(dir.path(), "etc/marker", marker, 0o644);
    let archive = ArchiveRecipe::from_folder(dir.path(), ["/bin/web"])
        .env("PATH", "/bin")
        .label("immutable.test", marker)
        .exposed_port(8080)
        .user("65534:65534")
        .build()
        .unwrap();
    (dir, archive)
}

fn name() -> ImageName {
    ImageName::new("baked").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_comes_to_the_same_digest_and_loads_it_once() {
    let lab = Lab::connect().unwrap();
    let images = DockerImages::connect(lab.socket()).unwrap();
    let marker = unique_name("bake");
    let start = Instant::now();
    let (_dir, archive) = web(&lab, &marker);
    println!("baked in {:?}", start.elapsed());
    let digest = archive.digest();
    assert!(!images.exists(&digest).await.unwrap());

    let version: semver::Version = "1.0.0".parse().unwrap();
    let start = Instant::now();
    let image = images.load(&archive, &name(), &version).await.unwrap();
    println!("loaded in {:?}", start.elapsed());
    assert_eq!(image.digest, digest);
    assert!(images.exists(&digest).await.unwrap());

    // The engine says so too, to somebody who does not use this library.
    let shown = lab.api().get(&format!("/images/{}/json", image.locations[0].reference)).unwrap();
    assert_eq!(shown["Id"], json!(digest.to_string()));
    assert_eq!(shown["RootFS"]["Layers"], json!([archive.layer().to_string()]));
    assert!(shown["Created"].as_str().unwrap().starts_with("1970-01-01T00:00:00"));
    assert_eq!(shown["Config"]["User"], json!("65534:65534"));

    let start = Instant::now();
    assert_eq!(images.load(&archive, &name(), &version).await.unwrap(), image);
    println!("loaded again in {:?}", start.elapsed());

    run(&lab, &digest, &marker);

    // A lost tag comes back without loading.
    let other = ImageName::new("baked-again").unwrap();
    images.load(&archive, &other, &version).await.unwrap();
    lab.api().get(&format!("/images/{}/json", archive.tag(&other))).unwrap();

    for _ in 0..2 {
        images.remove(&digest).await.unwrap();
        assert!(!images.exists(&digest).await.unwrap());
    }
}

/// A container of it starts, is in use, and has the files of the folder.
fn run(lab: &Lab, digest: &Digest, marker: &str) {
    let api = lab.api();
    let made =
        api.post(&format!("/containers/create?name={marker}"), &json!({ "Image": digest.to_string() }));
    let id = made.unwrap()["Id"].as_str().unwrap().to_owned();
    api.request("POST", &format!("/containers/{id}/start"), "", &[]).unwrap();
    let shown = api.get(&format!("/containers/{id}/json")).unwrap();
    assert_eq!(shown["State"]["Running"], json!(true), "{}", shown["State"]);
    assert_eq!(shown["Image"], json!(digest.to_string()));
    let file = api.send("GET", &format!("/containers/{id}/archive?path=/etc/marker"), "", &[]).unwrap();
    let mut tar = tar::Archive::new(file.body.as_slice());
    let mut entry = tar.entries().unwrap().next().unwrap().unwrap();
    let mut content = String::new();
    std::io::Read::read_to_string(&mut entry, &mut content).unwrap();
    assert_eq!((content.as_str(), entry.header().mode().unwrap() & 0o777), (marker, 0o644));
    api.send("DELETE", &format!("/containers/{id}?force=1"), "", &[]).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_of_everything_has_the_digest_that_was_computed() {
    let lab = Lab::connect().unwrap();
    let images = DockerImages::connect(lab.socket()).unwrap();
    let dir = folder::sample(false, 0o644, 0o755, 0o755);
    let archive = folder::recipe(dir.path()).build().unwrap();
    images.load(&archive, &name(), &"1.0.0".parse().unwrap()).await.unwrap();
    let shown = lab.api().get(&format!("/images/{}/json", archive.digest())).unwrap();
    assert_eq!(shown["Config"]["Healthcheck"]["StartPeriod"], json!(1_500_000_000));
    assert_eq!(shown["Config"]["Env"], json!(["A=1=\"\u{e4}\"", "B=2"]));
    images.remove(&archive.digest()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_changed_is_not_loaded() {
    let lab = Lab::connect().unwrap();
    let images = DockerImages::connect(lab.socket()).unwrap();
    let (dir, archive) = web(&lab, &unique_name("bake"));
    folder::write(dir.path(), "etc/marker", "changed", 0o644);
    let error = images.load(&archive, &name(), &"1.0.0".parse().unwrap()).await.unwrap_err();
    assert!(matches!(error, BakeError::Platform { .. }), "{error:?}");
    assert!(!images.exists(&archive.digest()).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_in_use_is_not_removed() {
    let lab = Lab::connect().unwrap();
    let images = DockerImages::connect(lab.socket()).unwrap();
    let marker = unique_name("bake");
    let (_dir, archive) = web(&lab, &marker);
    images.load(&archive, &name(), &"1.0.0".parse().unwrap()).await.unwrap();
    let digest = archive.digest();
    let body = json!({ "Image": digest.to_string() });
    let made = lab.api().post(&format!("/containers/create?name={marker}"), &body).unwrap();
    let id = made["Id"].as_str().unwrap();
    assert!(images.remove(&digest).await.is_err());
    assert!(images.exists(&digest).await.unwrap());
    lab.api().send("DELETE", &format!("/containers/{id}?force=1"), "", &[]).unwrap();
    images.remove(&digest).await.unwrap();
    assert!(!images.exists(&digest).await.unwrap());
}

#[tokio::test]
async fn an_unreachable_engine_is_an_error() {
    let missing = Path::new("no/such/docker.sock");
    match DockerImages::connect(missing) {
        Ok(images) => assert!(images.exists(&Digest::of(b"")).await.is_err()),
        Err(error) => assert!(matches!(error, BakeError::Platform { .. }), "{error:?}"),
    }
}
