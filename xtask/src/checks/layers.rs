use std::collections::BTreeMap;
use std::path::{Component, Path};

use super::lexer::tokens;
use super::references::references;
use crate::error::XtaskError;
use crate::workspace::Workspace;

/// The modules of the core by level. A module uses only modules of lower levels.
///
/// Level 0 is the vocabulary, whose modules may use each other.
const LEVELS: &[&[&str]] = &[
    &["digest", "time", "id", "seed", "error", "quantity", "seeded"],
    &["image"],
    &["fleet"],
    &["limits", "gate", "calendar", "drift"],
    &["strategy"],
    &["plan"],
    &["planner"],
    &["release"],
    &["journal"],
    &["event"],
    &["controller", "store"],
];

const SOURCE: &str = "immutable-core/src";

pub(super) fn check(workspace: &Workspace) -> Result<(), XtaskError> {
    let mut sources = BTreeMap::new();
    for path in workspace.files(Path::new(SOURCE), &["rs"])? {
        sources.insert(path.clone(), workspace.read(&path)?);
    }
    println!("{} files", sources.len());
    let sources: Vec<_> = sources.iter().map(|(path, text)| (path.as_path(), text.as_str())).collect();
    let findings = violations(&sources);
    if findings.is_empty() { Ok(()) } else { Err(XtaskError::Findings(findings)) }
}

fn violations(sources: &[(&Path, &str)]) -> Vec<String> {
    let exports = sources
        .iter()
        .find(|(path, _)| place(path).is_some_and(|(module, _)| module == "lib"))
        .map(|(_, text)| root_exports(text))
        .unwrap_or_default();
    let mut findings = Vec::new();
    for (path, text) in sources {
        let Some((module, depth)) = place(path) else { continue };
        // The root names everything; that is its task.
        if module == "lib" {
            continue;
        }
        let Some(level) = level(&module) else {
            findings.push(format!("{}:1: module `{module}` has no level; give it one", path.display()));
            continue;
        };
        for reference in references(text, depth) {
            let at = format!("{}:{}", path.display(), reference.line);
            // A module and a function may share a name; the module is what a path goes through.
            let is_module = self::level(&reference.name).is_some();
            let export = exports.get(&reference.name).filter(|_| !is_module);
            let target = export.unwrap_or(&reference.name);
            match self::level(target) {
                None if reference.name == "self" => {}
                None => findings.push(format!("{at}: `crate::{}` is of no known module", reference.name)),
                Some(other) if *target == module || other < level || (other == 0 && level == 0) => {}
                Some(other) => {
                    findings
                        .push(format!("{at}: `{module}` (level {level}) uses `{target}` (level {other})"));
                }
            }
        }
    }
    findings
}

fn level(module: &str) -> Option<usize> {
    LEVELS.iter().position(|modules| modules.contains(&module))
}

/// The top-level module that a file belongs to, and how deep below the root its own module is.
fn place(path: &Path) -> Option<(String, usize)> {
    let inside = path.strip_prefix(SOURCE).ok()?;
    let mut segments: Vec<&str> = inside
        .components()
        .filter_map(|component| match component {
            Component::Normal(name) => name.to_str(),
            _ => None,
        })
        .collect();
    let file = segments.pop()?.strip_suffix(".rs")?;
    if file != "mod" {
        segments.push(file);
    }
    Some(((*segments.first()?).to_owned(), segments.len()))
}

/// Which module each name comes from that the root exports again: `use crate::Digest` is a use of `digest`.
fn root_exports(text: &str) -> BTreeMap<String, String> {
    let tokens = tokens(text);
    let mut exports = BTreeMap::new();
    for statement in tokens.split(|token| token.text == ";") {
        let mut words = statement.iter().map(|token| token.text).skip_while(|text| *text != "use").skip(1);
        let Some(mut module) = words.next() else { continue };
        if matches!(module, "crate" | "self") {
            words.next();
            module = words.next().unwrap_or_default();
        }
        for name in words.filter(|word| word.starts_with(|c: char| c.is_alphabetic() || c == '_')) {
            exports.insert(name.to_owned(), module.to_owned());
        }
    }
    exports
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIB: (&str, &str) = (
        "immutable-core/src/lib.rs",
        "pub mod digest;\npub use digest::Digest;\npub use planner::{Planner, plan};\n",
    );

    fn check_files(files: &[(&str, &str)]) -> Vec<String> {
        let mut sources = vec![(Path::new(LIB.0), LIB.1)];
        sources.extend(files.iter().map(|(path, text)| (Path::new(*path), *text)));
        violations(&sources)
    }

    #[test]
    fn lower_levels_and_the_own_module_may_be_used() {
        let findings = check_files(&[
            ("immutable-core/src/fleet/route.rs", "use crate::{Digest, fleet::X, image};\nuse super::Y;"),
            ("immutable-core/src/id.rs", "use crate::digest::Digest;"),
            ("immutable-core/src/controller/mod.rs", "use crate::plan::Plan;"),
        ]);
        assert_eq!(findings, [""; 0]);
    }

    #[test]
    fn a_higher_level_is_found_however_it_is_named() {
        let findings = check_files(&[
            ("immutable-core/src/fleet/a.rs", "use crate::{\n    id,\n    plan::Plan,\n};"),
            ("immutable-core/src/gate/b.rs", "\nfn f() { super::super::limits::g() }"),
            ("immutable-core/src/plan.rs", "use crate::Planner;"),
        ]);
        assert_eq!(
            findings,
            [
                "immutable-core/src/fleet/a.rs:3: `fleet` (level 2) uses `plan` (level 5)",
                "immutable-core/src/gate/b.rs:2: `gate` (level 3) uses `limits` (level 3)",
                "immutable-core/src/plan.rs:1: `plan` (level 5) uses `planner` (level 6)",
            ]
        );
    }

    #[test]
    fn what_has_no_level_is_an_error() {
        let findings = check_files(&[
            ("immutable-core/src/extras/mod.rs", ""),
            ("immutable-core/src/image.rs", "use crate::Unheard;"),
        ]);
        assert_eq!(
            findings,
            [
                "immutable-core/src/extras/mod.rs:1: module `extras` has no level; give it one",
                "immutable-core/src/image.rs:1: `crate::Unheard` is of no known module",
            ]
        );
    }

    #[test]
    fn a_file_knows_its_place() {
        assert_eq!(place(Path::new("immutable-core/src/id.rs")), Some(("id".to_owned(), 1)));
        assert_eq!(place(Path::new("immutable-core/src/plan/mod.rs")), Some(("plan".to_owned(), 1)));
        assert_eq!(place(Path::new("immutable-core/src/plan/a/b.rs")), Some(("plan".to_owned(), 3)));
    }
}
