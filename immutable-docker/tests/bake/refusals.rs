//! What cannot be baked is said before anything is loaded.

use std::os::unix::net::UnixListener;
use std::time::Duration;

use immutable_core::image::BakeError;
use immutable_docker::bake::{ArchiveError, ArchiveRecipe, HealthCheck};

use super::folder::{recipe, sample, write};

fn refusal(recipe: &ArchiveRecipe) -> String {
    let error = recipe.build().unwrap_err();
    let text = error.to_string();
    assert!(matches!(BakeError::from(error), BakeError::InvalidRecipe { .. }), "{text}");
    text
}

#[test]
fn files_that_an_image_cannot_hold_are_named() {
    let dir = sample(false, 0o644, 0o755, 0o755);
    let socket = dir.path().join("etc/socket");
    let listener = UnixListener::bind(&socket).unwrap();
    let text = refusal(&recipe(dir.path()));
    assert!(text.contains("etc/socket") && text.contains("it is a socket"), "{text}");
    drop(listener);
    std::fs::remove_file(&socket).unwrap();

    let made = std::process::Command::new("mkfifo").arg(dir.path().join("pipe")).status().unwrap();
    assert!(made.success());
    let text = refusal(&recipe(dir.path()));
    assert!(text.contains("pipe") && text.contains("named pipe"), "{text}");
    std::fs::remove_file(dir.path().join("pipe")).unwrap();

    write(dir.path(), "etc/.wh.app.toml", "", 0o644);
    let text = refusal(&recipe(dir.path()));
    assert!(text.contains(".wh.app.toml"), "{text}");
}

#[test]
fn a_program_that_cannot_run_is_found_before_the_first_container() {
    let dir = sample(false, 0o644, 0o755, 0o755);
    let entry = |program: &str| ArchiveRecipe::from_folder(dir.path(), [program]);
    for (program, says) in [
        ("/nothing", "is not in"),
        ("/etc", "is not in"),
        ("/etc/app.toml", "is not executable"),
        ("web", "is not an absolute path"),
        ("/etc/../web", "`..`"),
    ] {
        let text = refusal(&entry(program));
        assert!(text.contains(program) && text.contains(says), "{text}");
    }
    assert!(refusal(&ArchiveRecipe::from_folder(dir.path(), [""; 0])).contains("empty"));
    // Where a link leads is known in the container only.
    entry("/etc/link").build().unwrap();
    entry("/dangling/bin/web").build().unwrap();
}

#[test]
fn settings_that_an_engine_would_refuse_are_refused() {
    let dir = sample(false, 0o644, 0o755, 0o755);
    let recipe = recipe(dir.path());
    assert!(refusal(&recipe.clone().env("A=B", "")).contains("A=B"));
    assert!(refusal(&recipe.clone().env("", "")).contains("environment variable"));
    assert!(refusal(&recipe.clone().working_dir("etc")).contains("not an absolute path"));
    let mut check = HealthCheck::new(["/web"]);
    check.interval = Duration::from_micros(1);
    assert!(refusal(&recipe.clone().health_check(check)).contains("1 ms"));
    assert!(refusal(&recipe.health_check(HealthCheck::new([""; 0]))).contains("needs a command"));
}

#[test]
fn a_missing_folder_is_named() {
    let error = ArchiveRecipe::from_folder("no/such/folder", ["/web"]).build().unwrap_err();
    assert!(matches!(error, ArchiveError::Read { .. }), "{error:?}");
    assert!(error.to_string().contains("no/such/folder"), "{error}");
}

#[test]
fn a_folder_that_changes_between_reading_and_writing_is_never_another_image() {
    for (content, mode) in [("grown by some bytes", 0o644), ("", 0o644), ("level = 2\n", 0o644)] {
        let dir = sample(false, 0o644, 0o755, 0o755);
        let archive = recipe(dir.path()).build().unwrap();
        write(dir.path(), "etc/app.toml", content, mode);
        let error = archive.write_to(std::io::sink()).unwrap_err();
        assert!(matches!(error, ArchiveError::Changed { .. }), "{error:?}");
    }
    let dir = sample(false, 0o644, 0o755, 0o755);
    let archive = recipe(dir.path()).build().unwrap();
    std::fs::remove_file(dir.path().join("web")).unwrap();
    let error = archive.write_to(std::io::sink()).unwrap_err();
    assert!(error.to_string().contains("web"), "{error}");
}
