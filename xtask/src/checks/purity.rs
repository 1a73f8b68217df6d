use crate::command_line::CommandLine;
use crate::error::XtaskError;
use crate::workspace::{Workspace, cargo};

/// Packages the pure part of the core must never pull in: runtimes, sockets, randomness, logging.
const FORBIDDEN: &[&str] = &[
    "async-std",
    "bollard",
    "futures-executor",
    "getrandom",
    "hyper",
    "mio",
    "rand",
    "reqwest",
    "rustls",
    "signal-hook",
    "smol",
    "socket2",
    "tokio",
    "tracing",
];

/// Families of such packages.
const FORBIDDEN_FAMILIES: &[&str] = &["aws-", "hyper-", "rand_", "tokio-", "tracing-"];

const PACKAGE: &str = "immutable-core";

pub(super) fn check(workspace: &Workspace) -> Result<(), XtaskError> {
    let command = CommandLine::new(cargo())
        .args(["tree", "--package", PACKAGE, "--no-default-features", "-e", "normal", "--prefix", "none"])
        .folder(workspace.root());
    println!("$ {command}");
    let tree = command.output()?;
    if !tree.lines().any(|line| package(line) == PACKAGE) {
        return Err(XtaskError::Unexpected { from: "cargo tree", what: tree });
    }
    let findings = forbidden(&tree);
    if findings.is_empty() { Ok(()) } else { Err(XtaskError::Findings(findings)) }
}

fn forbidden(tree: &str) -> Vec<String> {
    let mut found: Vec<String> = tree
        .lines()
        .map(package)
        .filter(|name| {
            FORBIDDEN.contains(name) || FORBIDDEN_FAMILIES.iter().any(|family| name.starts_with(family))
        })
        .map(|name| format!("{PACKAGE} without features depends on {name}"))
        .collect();
    found.sort();
    found.dedup();
    found
}

fn package(line: &str) -> &str {
    line.split(' ').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runtimes_and_families_are_found_and_lookalikes_are_not() {
        let tree =
            "immutable-core v0.1.0 (x)\nserde v1.0.0\ntokio v1.0.0\naws-config v1.0.0\nrandom-name v1.0.0\n";
        assert_eq!(
            forbidden(tree),
            [
                "immutable-core without features depends on aws-config",
                "immutable-core without features depends on tokio"
            ]
        );
    }
}
