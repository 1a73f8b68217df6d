//! A peer's table, and what makes one trial of each of its rows.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use libtest_mimic::{Failed, Trial};

/// One table and how its rows are asked of this library.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table {
    /// The file without its ending.
    pub(crate) name: &'static str,
    pub(crate) ask: fn(&Row) -> Answers,
}

/// What the peer answers in a row, and what this library answers, in the same words.
#[derive(Debug)]
pub(crate) struct Answers {
    pub(crate) peer: String,
    pub(crate) ours: String,
}

impl Answers {
    pub(crate) fn new(peer: impl ToString, ours: impl ToString) -> Self {
        Self { peer: peer.to_string(), ours: ours.to_string() }
    }
}

/// One row of a table.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) number: usize,
    cells: BTreeMap<String, String>,
    label: String,
}

impl Row {
    /// The cell of the column whose name is this or begins with this and an explanation in brackets.
    pub(crate) fn text(&self, column: &str) -> &str {
        let explained = format!("{column}(");
        let found = self.cells.iter().find(|(name, _)| **name == *column || name.starts_with(&explained));
        found.map(|(_, cell)| cell.as_str()).unwrap_or_else(|| panic!("no column `{column}`"))
    }

    /// A number; an empty cell is none.
    pub(crate) fn maybe(&self, column: &str) -> Option<u32> {
        let cell = self.text(column);
        (!cell.is_empty()).then(|| cell.parse().unwrap_or_else(|_| panic!("`{column}` is `{cell}`")))
    }

    pub(crate) fn number(&self, column: &str) -> u32 {
        self.maybe(column).unwrap_or_else(|| panic!("`{column}` is empty"))
    }

    pub(crate) fn flag(&self, column: &str) -> bool {
        match self.text(column) {
            "true" => true,
            "false" => false,
            other => panic!("`{column}` is `{other}`"),
        }
    }
}

/// A row in which this library answers differently on purpose.
#[derive(Debug)]
pub(crate) struct Difference {
    pub(crate) ours: String,
    pub(crate) why: String,
}

/// All of `differences.csv`, by table and number of the row.
pub(crate) static DIFFERENCES: LazyLock<BTreeMap<(String, usize), Difference>> = LazyLock::new(|| {
    let mut differences = BTreeMap::new();
    for row in read(&folder().join("differences.csv")) {
        let key = (row.text("table").to_owned(), row.number("row") as usize);
        let (ours, why) = (row.text("ours").to_owned(), row.text("why").to_owned());
        assert!(differences.insert(key.clone(), Difference { ours, why }).is_none(), "{key:?} twice");
    }
    differences
});

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases")
}

pub(crate) fn read(path: &Path) -> Vec<Row> {
    let mut reader = csv::Reader::from_path(path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    let columns: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let row = |(number, record): (usize, Result<csv::StringRecord, csv::Error>)| {
        let record = record.unwrap_or_else(|error| panic!("{path:?}: {error}"));
        let cells: BTreeMap<_, _> = columns.iter().cloned().zip(record.iter().map(str::to_owned)).collect();
        let asked = columns.iter().zip(record.iter());
        let asked = asked.filter(|(name, cell)| !name.starts_with("expect") && !cell.is_empty());
        let label: Vec<_> = asked.map(|(_, cell)| cell).collect();
        Row { number: number + 1, cells, label: label.join(", ").chars().take(120).collect() }
    };
    reader.records().enumerate().map(row).collect()
}

impl Table {
    /// One trial for each row.
    pub(crate) fn trials(&self) -> Vec<Trial> {
        let Self { name, ask } = *self;
        let rows = read(&folder().join(format!("{name}.csv")));
        let trial = |row: Row| {
            let title = format!("{name}::{:02} {}", row.number, row.label);
            Trial::test(title, move || judge(name, &row, &ask(&row)))
        };
        rows.into_iter().map(trial).collect()
    }
}

fn judge(table: &'static str, row: &Row, answers: &Answers) -> Result<(), Failed> {
    let Answers { peer, ours } = answers;
    let difference = DIFFERENCES.get(&(table.to_owned(), row.number));
    let stated = difference.map_or(peer, |difference| &difference.ours);
    match difference {
        Some(_) if ours == peer => Err(format!("no difference any more: both answer {peer}").into()),
        Some(Difference { why, .. }) if ours != stated => Err(format!(
            "we answer {ours}, but should answer {stated}, because {why}; the peer answers {peer}"
        )
        .into()),
        None if ours != peer => Err(format!("the peer answers {peer}, we answer {ours}").into()),
        Some(_) | None => Ok(()),
    }
}
