//! The same folder and recipe are the same bytes, always and everywhere.

use std::fs::{File, FileTimes};
use std::time::{Duration, SystemTime};

use immutable_core::{Digest, ImageName};
use immutable_docker::bake::{Architecture, ArchiveRecipe};

use super::folder::{recipe, sample, write};

/// Changing either of these changes the digest of every image that users have: never do it without need.
const DIGEST: &str = "sha256:2dae5bf20f1de859427034ab01d1c8e84066b9e6db27e3ec73605309f477680c";
const LAYER: &str = "sha256:33a508a94bb2c918a17aa33d60eee81fe9c9e7709a100e47574e5e716235faa9";

#[test]
fn the_digest_is_the_same_on_every_machine() {
    let dir = sample(false, 0o644, 0o755, 0o755);
    let archive = recipe(dir.path()).build().unwrap();
    assert_eq!(archive.layer().to_string(), LAYER);
    assert_eq!(
        String::from_utf8_lossy(archive.config()),
        format!(
            concat!(
                r#"{{"architecture":"amd64","config":{{"Cmd":["serve"],"Entrypoint":["/web","--port","8080"],"#,
                r#""Env":["A=1=\"ä\"","B=2"],"ExposedPorts":{{"8080/tcp":{{}},"9090/tcp":{{}}}},"#,
                r#""Healthcheck":{{"Interval":1000000000,"Retries":3,"StartPeriod":1500000000,"#,
                r#""Test":["CMD","/web","health"],"Timeout":30000000000}},"Labels":{{"org.example":"yes"}},"#,
                r#""User":"65534:65534","WorkingDir":"/etc"}},"created":"1970-01-01T00:00:00Z","os":"linux","#,
                r#""rootfs":{{"diff_ids":["{}"],"type":"layers"}}}}"#
            ),
            LAYER
        )
    );
    assert_eq!(archive.digest().to_string(), DIGEST);
    assert_eq!(archive.digest(), Digest::of(archive.config()));
}

#[test]
fn times_order_and_umask_do_not_count() {
    let dir = sample(true, 0o600, 0o700, 0o700);
    let old = FileTimes::new().set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(86_400));
    File::options().append(true).open(dir.path().join("web")).unwrap().set_times(old).unwrap();
    let archive = recipe(dir.path()).build().unwrap();
    assert_eq!(archive.digest().to_string(), DIGEST);

    let dir = sample(false, 0o666, 0o4777, 0o777);
    assert_eq!(recipe(dir.path()).build().unwrap().digest().to_string(), DIGEST);
}

#[test]
fn everything_else_counts() {
    let dir = sample(false, 0o644, 0o755, 0o755);
    let base = recipe(dir.path());
    let mut digests = vec![base.build().unwrap().digest()];
    for other in [
        base.clone().env("A", "2"),
        base.clone().label("x", ""),
        base.clone().cmd(["other"]),
        base.clone().exposed_port(1),
        base.clone().user("1"),
        base.clone().architecture(Architecture::Arm64),
    ] {
        let other = other.build().unwrap();
        assert_eq!(other.layer().to_string(), LAYER);
        digests.push(other.digest());
    }
    write(dir.path(), "etc/app.toml", "level = 2\n", 0o644);
    digests.push(base.build().unwrap().digest());
    write(dir.path(), "etc/app.toml", "level = 1\n", 0o755);
    digests.push(base.build().unwrap().digest());
    std::fs::rename(dir.path().join("empty"), dir.path().join("full")).unwrap();
    digests.push(base.build().unwrap().digest());
    let count = digests.len();
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), count);
}

#[test]
fn the_archive_is_a_tar_of_three_members_that_say_the_same() {
    let dir = sample(false, 0o644, 0o755, 0o755);
    let archive = recipe(dir.path()).build().unwrap();
    let (mut first, mut second) = (Vec::new(), Vec::new());
    archive.write_to(&mut first).unwrap();
    archive.write_to(&mut second).unwrap();
    assert_eq!(first, second);
    assert_eq!(first.len() % 512, 0);

    let mut members = Vec::new();
    for member in tar::Archive::new(first.as_slice()).entries().unwrap() {
        let mut member = member.unwrap();
        let mut content = Vec::new();
        std::io::Read::read_to_end(&mut member, &mut content).unwrap();
        members.push((member.path().unwrap().display().to_string(), content));
    }
    let [config, layer, manifest] = members.as_slice() else { panic!("{} members", members.len()) };
    assert_eq!(config.0, format!("{}.json", archive.digest().hex()));
    assert_eq!(config.1, archive.config());
    assert_eq!(Digest::of(&layer.1), archive.layer());
    assert_eq!(
        String::from_utf8_lossy(&manifest.1),
        format!(r#"[{{"Config":"{}","RepoTags":[],"Layers":["{}"]}}]"#, config.0, layer.0)
    );

    let mut layer = tar::Archive::new(layer.1.as_slice());
    let entries: Vec<_> = layer
        .entries()
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let header = entry.header();
            assert_eq!((header.uid().unwrap(), header.gid().unwrap(), header.mtime().unwrap()), (0, 0, 0));
            (entry.path().unwrap().display().to_string(), header.mode().unwrap())
        })
        .filter(|(path, _)| !path.starts_with("srv"))
        .collect();
    let expected = [
        ("dangling", 0o777),
        ("empty", 0o755),
        ("etc", 0o755),
        ("etc.d", 0o755),
        ("etc.d/b", 0o644),
        ("etc.d/\u{e4}", 0o644),
        ("etc/app.toml", 0o644),
        ("etc/link", 0o777),
        ("web", 0o755),
    ];
    assert_eq!(entries, expected.map(|(path, mode)| (path.to_owned(), mode)));
}

#[test]
fn the_record_for_a_catalog_names_the_digest_and_where_it_is() {
    let dir = sample(false, 0o644, 0o755, 0o755);
    let archive = recipe(dir.path()).build().unwrap();
    let image = archive.image(ImageName::new("web").unwrap(), "1.2.3".parse().unwrap());
    assert_eq!(image.digest, archive.digest());
    assert_eq!(image.locations[0].reference, format!("web:{}", archive.digest().short()));
}

#[test]
fn an_image_of_one_program_needs_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "web", "x", 0o755);
    let archive = ArchiveRecipe::from_folder(dir.path(), ["/web"]).build().unwrap();
    assert!(String::from_utf8_lossy(archive.config()).contains(r#""config":{"Entrypoint":["/web"]}"#));
}
