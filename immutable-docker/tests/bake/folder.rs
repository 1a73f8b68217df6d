//! A folder with something of everything.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use immutable_docker::bake::{Architecture, ArchiveRecipe, HealthCheck};
use tempfile::TempDir;

pub(crate) fn write(folder: &Path, path: &str, content: impl AsRef<[u8]>, mode: u32) {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
}

/// The files in this order of creation, with these bits for what does not count.
pub(crate) fn sample(reverse: bool, file_mode: u32, program_mode: u32, folder_mode: u32) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let long = format!("srv/{}/{}.txt", "folder-".repeat(12), "file-".repeat(12));
    let mut files: Vec<(String, Vec<u8>, u32)> = vec![
        ("web".to_owned(), b"#!/bin/true\n".to_vec(), program_mode),
        ("etc/app.toml".to_owned(), b"level = 1\n".to_vec(), file_mode),
        ("etc.d/b".to_owned(), Vec::new(), file_mode),
        ("etc.d/\u{e4}".to_owned(), vec![7; 100_000], file_mode),
        (long, b"long".to_vec(), file_mode),
    ];
    if reverse {
        files.reverse();
    }
    for (path, content, mode) in &files {
        write(root, path, content, *mode);
    }
    symlink("../web", root.join("etc/link")).unwrap();
    symlink("/nowhere/else", root.join("dangling")).unwrap();
    fs::create_dir(root.join("empty")).unwrap();
    fs::set_permissions(root.join("empty"), fs::Permissions::from_mode(folder_mode)).unwrap();
    dir
}

pub(crate) fn recipe(folder: &Path) -> ArchiveRecipe {
    let mut check = HealthCheck::new(["/web", "health"]);
    check.start_period = std::time::Duration::from_millis(1500);
    ArchiveRecipe::from_folder(folder, ["/web", "--port", "8080"])
        .cmd(["serve"])
        .env("B", "2")
        .env("A", "1=\"\u{e4}\"")
        .label("org.example", "yes")
        .exposed_port(9090)
        .exposed_port(8080)
        .health_check(check)
        .user("65534:65534")
        .working_dir("/etc")
        .architecture(Architecture::Amd64)
}
