use std::path::Path;

use serde_json::Value;

use crate::command_line::CommandLine;
use crate::error::XtaskError;
use crate::workspace::{Workspace, cargo};

/// Also read by cargo-deny, for those who have it.
const POLICY: &str = "deny.toml";

pub(super) fn check(workspace: &Workspace) -> Result<(), XtaskError> {
    let allowed = allowed(&workspace.read(Path::new(POLICY))?);
    if allowed.is_empty() {
        return Err(XtaskError::Unexpected {
            from: POLICY,
            what: "[licenses] allow is missing or empty".to_owned(),
        });
    }
    let command =
        CommandLine::new(cargo()).args(["metadata", "--format-version", "1"]).folder(workspace.root());
    println!("$ {command}");
    let unexpected = |what: String| XtaskError::Unexpected { from: "cargo metadata", what };
    let metadata: Value =
        serde_json::from_str(&command.output()?).map_err(|error| unexpected(error.to_string()))?;
    let packages = metadata["packages"].as_array().ok_or_else(|| unexpected("no packages".to_owned()))?;
    let findings: Vec<String> = packages.iter().filter_map(|package| refused(package, &allowed)).collect();
    println!("{} packages", packages.len());
    if findings.is_empty() { Ok(()) } else { Err(XtaskError::Findings(findings)) }
}

fn refused(package: &Value, allowed: &[String]) -> Option<String> {
    let name = format!("{} {}", package["name"].as_str()?, package["version"].as_str()?);
    match package["license"].as_str() {
        None => Some(format!("{name} names no licence")),
        Some(expression) => match is_allowed(expression, allowed) {
            Some(true) => None,
            Some(false) => Some(format!("{name}: {expression} is not allowed")),
            None => Some(format!("{name}: {expression} cannot be read")),
        },
    }
}

/// The strings of `allow = [...]` in the section `[licenses]`. Not a TOML parser: it reads the one shape we write.
fn allowed(policy: &str) -> Vec<String> {
    policy
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim())
        .skip_while(|line| *line != "[licenses]")
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .skip_while(|line| !line.starts_with("allow"))
        .take_while(|line| *line != "]")
        .flat_map(|line| line.split('"').skip(1).step_by(2))
        .map(str::to_owned)
        .collect()
}

/// Whether the SPDX expression can be met by the allowed licences; `None` when it is no such expression.
fn is_allowed(expression: &str, allowed: &[String]) -> Option<bool> {
    // The slash is an old way to write OR.
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut words = words.as_slice();
    let result = either(&mut words, allowed)?;
    words.is_empty().then_some(result)
}

fn either(words: &mut &[&str], allowed: &[String]) -> Option<bool> {
    let mut result = all(words, allowed)?;
    while let ["OR", rest @ ..] = *words {
        *words = rest;
        result |= all(words, allowed)?;
    }
    Some(result)
}

fn all(words: &mut &[&str], allowed: &[String]) -> Option<bool> {
    let mut result = one(words, allowed)?;
    while let ["AND", rest @ ..] = *words {
        *words = rest;
        result &= one(words, allowed)?;
    }
    Some(result)
}

fn one(words: &mut &[&str], allowed: &[String]) -> Option<bool> {
    let is_in = |licence: &str| allowed.iter().any(|other| other == licence);
    match *words {
        ["(", rest @ ..] => {
            *words = rest;
            let result = either(words, allowed)?;
            let [")", rest @ ..] = *words else { return None };
            *words = rest;
            Some(result)
        }
        [")" | "AND" | "OR" | "WITH", ..] | [] => None,
        [licence, "WITH", exception, rest @ ..] => {
            *words = rest;
            Some(is_in(&format!("{licence} WITH {exception}")))
        }
        [licence, rest @ ..] => {
            *words = rest;
            Some(is_in(licence))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(expression: &str) -> Option<bool> {
        is_allowed(expression, &["MIT".to_owned(), "Unicode-3.0".to_owned(), "A WITH B".to_owned()])
    }

    #[test]
    fn one_side_of_an_or_is_enough_and_an_and_needs_both() {
        assert_eq!(judged("MIT OR Apache-2.0"), Some(true));
        assert_eq!(judged("Apache-2.0/MIT"), Some(true));
        assert_eq!(judged("MIT AND Apache-2.0"), Some(false));
        assert_eq!(judged("(MIT OR Apache-2.0) AND Unicode-3.0"), Some(true));
        assert_eq!(judged("GPL-3.0-only"), Some(false));
    }

    #[test]
    fn an_exception_is_allowed_by_its_whole_name() {
        assert_eq!(judged("A WITH B"), Some(true));
        assert_eq!(judged("MIT WITH B"), Some(false));
    }

    #[test]
    fn nonsense_cannot_be_read() {
        assert_eq!(judged("MIT OR"), None);
        assert_eq!(judged("(MIT"), None);
        assert_eq!(judged("MIT Apache-2.0"), None);
    }

    #[test]
    fn the_allow_list_is_read_without_comments_and_other_sections() {
        let policy = "[bans]\nallow = [\"x\"]\n[licenses]\n# why\nallow = [\n  \"MIT\", # not \"this\"\n  \"A WITH B\",\n]\nother = [\"y\"]\n";
        assert_eq!(allowed(policy), ["MIT", "A WITH B"]);
    }
}
