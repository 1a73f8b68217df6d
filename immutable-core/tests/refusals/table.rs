//! Errors as rows: the kind of each, and all that it says.

use std::collections::BTreeSet;
use std::error::Error;

use immutable_core::error::with_causes;

use crate::source::{kinds, says, sentences};

/// One thing that was refused.
#[derive(Debug)]
pub(crate) struct Row {
    /// As the error itself says it.
    pub(crate) kind: String,
    text: String,
}

impl Row {
    pub(crate) fn new(error: &dyn Error) -> Self {
        let debug = format!("{error:?}");
        let kind = debug.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned();
        Self { kind, text: with_causes(error) }
    }
}

/// The rows as text.
pub(crate) fn text(rows: &[Row]) -> String {
    rows.iter().map(|Row { kind, text }| format!("{kind}\n    {text}\n")).collect()
}

/// Every kind of the enum has a row, and every row is of the enum.
pub(crate) fn assert_all_kinds(rows: &[Row], file: &str, name: &str) {
    let provoked: BTreeSet<String> = rows.iter().map(|row| row.kind.clone()).collect();
    assert_eq!(provoked, kinds(file, name), "{name}: what is provoked here, and what {file} has");
}

/// Every sentence of these files is in a row.
pub(crate) fn assert_all_sentences(rows: &[Row], files: &[String]) {
    let unsaid: Vec<String> = files
        .iter()
        .flat_map(|file| sentences(file).into_iter().map(move |sentence| format!("{file}: {sentence}")))
        .filter(|line| {
            let (_, sentence) = line.split_once(": ").unwrap();
            !rows.iter().any(|row| says(&row.text, sentence))
        })
        .collect();
    assert_eq!(unsaid, [] as [&str; 0], "no row here says it");
}

macro_rules! assert_golden {
    ($name:literal, $text:expr) => {
        insta::with_settings!({
            snapshot_path => "golden",
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, { insta::assert_snapshot!($name, $text) })
    };
}
pub(crate) use assert_golden;
