//! What the sources say that can go wrong.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn read(file: &str) -> String {
    std::fs::read_to_string(folder().join(file)).unwrap()
}

/// The kinds of an enum in a file of the crate, as `cargo fmt` lays it out.
pub(crate) fn kinds(file: &str, name: &str) -> BTreeSet<String> {
    let text = read(file);
    let head = format!("pub enum {name} {{\n");
    let (_, body) = text.split_once(&head).unwrap_or_else(|| panic!("{file} has no enum {name}"));
    let (body, _) = body.split_once("\n}\n").unwrap();
    let kinds: BTreeSet<String> = body.lines().filter_map(kind).map(str::to_owned).collect();
    assert!(!kinds.is_empty(), "{file}: {name}");
    kinds
}

/// The kind that a line declares: it is indented once and begins with a capital letter.
fn kind(line: &str) -> Option<&str> {
    let line = line.strip_prefix("    ").filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()))?;
    line.split(|c: char| !c.is_alphanumeric()).next()
}

/// How often this stands in a file.
pub(crate) fn occurrences(file: &str, text: &str) -> usize {
    read(file).matches(text).count()
}

/// The sentences that a file puts together when it refuses something: its literals with three words at least, but for
/// those that describe what is allowed (`write_str`, `write!(f`, the arms of a `match` that only names things), its
/// attributes, comments and tests.
pub(crate) fn sentences(file: &str) -> Vec<String> {
    let text = read(file);
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
    let code: Vec<&str> = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let code = code.join("\n");
    let (mut sentences, mut rest) = (Vec::new(), code.as_str());
    while let Some((before, literal)) = rest.split_once('"') {
        let end = end_of_literal(literal);
        let before = before.trim_end();
        let skipped =
            ["write_str(", "(f,", "=>", ", reason =", "#[error("].iter().any(|head| before.ends_with(head));
        let is_word = |word: &&str| word.starts_with(|c: char| c.is_alphabetic());
        if !skipped && literal[..end].split(' ').filter(is_word).count() >= 3 {
            sentences.push(unescaped(&literal[..end]));
        }
        rest = &literal[end + 1..];
    }
    sentences
}

fn end_of_literal(literal: &str) -> usize {
    let mut escaped = false;
    literal
        .find(|c: char| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        })
        .unwrap()
}

/// Without the line breaks that the source alone has.
fn unescaped(literal: &str) -> String {
    let mut lines = literal.split("\\\n");
    let first = lines.next().unwrap_or_default().to_owned();
    let joined = lines.fold(first, |text, line| text + line.trim_start());
    joined.replace("\\\"", "\"")
}

/// The files of a folder of the crate.
pub(crate) fn files(module: &str) -> Vec<String> {
    let entries = std::fs::read_dir(folder().join(module)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut files: Vec<String> = names.map(|name| format!("{module}/{name}")).collect();
    files.sort();
    files
}

/// Whether a text can come of a sentence with `{}` in it.
pub(crate) fn says(text: &str, sentence: &str) -> bool {
    let mut rest = text;
    sentence.split('{').enumerate().all(|(number, part)| {
        let fixed = if number == 0 { part } else { part.split_once('}').map_or(part, |(_, fixed)| fixed) };
        let found = rest.find(fixed);
        rest = found.map_or(rest, |at| &rest[at + fixed.len()..]);
        found.is_some()
    })
}

#[test]
fn kinds_and_sentences_are_found() {
    let found = kinds("release/error.rs", "IllegalReleaseEvent");
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["GoesBackAlready", "NotNow", "UnknownGroup"]);
    let found = sentences("strategy/recreate.rs");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("max_unavailable is {unavailable}, but all of {all} are"), "{found:?}");
    assert!(found[0].ends_with("\"100%\", or use `rolling`, which keeps the service up"), "{found:?}");
    assert!(says("a is 1, b is 2", "{} is 1, b is {}") && !says("b is 2", "{} is 1, b is {}"));
}
