use std::path::Path;

use super::lexer::tokens;
use crate::error::XtaskError;
use crate::workspace::Workspace;

/// A longer file holds more than one concept.
const LINE_LIMIT: usize = 500;

/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] =
    &["util", "utils", "common", "helper", "helpers", "manager", "managers", "misc", "shared"];

/// What `mod.rs` and `lib.rs` leave to other files.
const LOGIC: &[&str] =
    &["fn", "impl", "struct", "enum", "union", "trait", "type", "const", "static", "macro_rules"];

/// Folders that exist on the machine of whoever wrote the line only. Put together here, so that this file passes.
const MACHINE_FOLDERS: &[&str] = &[concat!("/wo", "rk/"), concat!("/ro", "ot/")];

const TEXT_FILES: &[&str] = &["rs", "toml", "md", "txt", "sh", "yml", "yaml", "json", "snap", ""];

pub(super) fn check(workspace: &Workspace) -> Result<(), XtaskError> {
    let mut findings = Vec::new();
    let files = workspace.files(Path::new("."), TEXT_FILES)?;
    println!("{} files", files.len());
    for path in files {
        let text = match workspace.read(&path) {
            // A file without an extension may be anything; one that is no text has no lines to check.
            Err(XtaskError::Io { source, .. }) if source.kind() == std::io::ErrorKind::InvalidData => {
                continue;
            }
            other => other?,
        };
        findings.extend(inspect(&path, &text));
    }
    if findings.is_empty() { Ok(()) } else { Err(XtaskError::Findings(findings)) }
}

fn inspect(path: &Path, text: &str) -> Vec<String> {
    let mut findings = machine_paths(path, text);
    if path.extension().is_some_and(|extension| extension == "rs") {
        findings.extend(empty_name(path));
        findings.extend(too_long(path, text));
        findings.extend(logic_in_root(path, text));
    }
    findings
}

fn machine_paths(path: &Path, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        for folder in MACHINE_FOLDERS {
            let found = line.match_indices(folder).any(|(at, _)| {
                // In the middle of a longer path or of an address it is some other folder of that name.
                let before = line.get(..at).and_then(|text| text.chars().next_back());
                before.is_none_or(|c| !c.is_alphanumeric() && !"._-/})~>".contains(c))
            });
            if found {
                findings.push(format!("{}:{number}: the path {folder} is of one machine", path.display()));
            }
        }
    }
    findings
}

fn empty_name(path: &Path) -> Option<String> {
    let empty = path
        .with_extension("")
        .components()
        .filter_map(|component| component.as_os_str().to_str())
        .find(|name| EMPTY_NAMES.contains(name))?
        .to_owned();
    Some(format!("{}: the name `{empty}` does not say what is inside", path.display()))
}

fn too_long(path: &Path, text: &str) -> Option<String> {
    if path.components().any(|component| component.as_os_str() == "tests") {
        return None;
    }
    // Unit tests at the end of a file do not count: they belong to the concept, not beside it.
    let lines: Vec<&str> = text.lines().collect();
    let count = lines
        .windows(2)
        .position(|pair| pair[0].trim() == "#[cfg(test)]" && pair[1].trim_start().starts_with("mod "))
        .unwrap_or(lines.len());
    (count > LINE_LIMIT).then(|| format!("{}: {count} lines, more than {LINE_LIMIT}", path.display()))
}

fn logic_in_root(path: &Path, text: &str) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    if !matches!(name, "mod.rs" | "lib.rs") {
        return None;
    }
    let tokens = tokens(text);
    let found = tokens.iter().find(|token| LOGIC.contains(&token.text))?;
    Some(format!(
        "{}:{}: `{}` in a {name}, which holds only docs, modules and re-exports",
        path.display(),
        found.line,
        found.text
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> Vec<String> {
        inspect(Path::new(path), text)
    }

    #[test]
    fn a_good_file_passes() {
        assert_eq!(
            findings("a/src/lib.rs", "//! fn docs\n#[cfg(test)]\nmod a;\npub use a::{B, c};\n"),
            [""; 0]
        );
        assert_eq!(findings("a/src/b.rs", "fn b() {}\n"), [""; 0]);
    }

    #[test]
    fn logic_in_a_root_is_found() {
        assert_eq!(findings("a/src/lib.rs", "mod a;\nfn b() {}\n").len(), 1);
        assert_eq!(findings("a/src/c/mod.rs", "pub struct D;\n").len(), 1);
    }

    #[test]
    fn empty_names_are_found_in_files_and_folders() {
        assert_eq!(findings("a/src/utils.rs", "").len(), 1);
        assert_eq!(findings("a/tests/common/mod.rs", "").len(), 1);
    }

    #[test]
    fn length_counts_without_the_unit_tests() {
        let code = "x\n".repeat(LINE_LIMIT);
        assert_eq!(findings("a/src/b.rs", &format!("{code}#[cfg(test)]\nmod tests {{\n{code}}}\n")), [""; 0]);
        assert_eq!(findings("a/src/b.rs", &format!("{code}x\n")).len(), 1);
        assert_eq!(findings("a/tests/b.rs", &format!("{code}x\n")), [""; 0]);
    }

    #[test]
    fn paths_of_one_machine_are_found() {
        let folder = MACHINE_FOLDERS[0];
        assert_eq!(
            findings("a.md", &format!("see {folder}main\n")),
            [format!("a.md:1: the path {folder} is of one machine")]
        );
        assert_eq!(findings("a.md", &format!("see ~{folder}main and x{folder}y\n")), [""; 0]);
    }
}
