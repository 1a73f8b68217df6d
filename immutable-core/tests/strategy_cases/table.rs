//! A peer's table, and what makes one trial of each of its rows.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use libtest_mimic::{Failed, Trial};

/// One table and how its rows are asked of this library.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table {
    /// The file without its ending.
    pub(crate) name: &'static str,
    pub(crate) text: &'static str,
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
    number: usize,
    cells: BTreeMap<String, String>,
    label: String,
}

impl Row {
    pub(crate) fn text(&self, column: &str) -> &str {
        self.cells.get(column).unwrap_or_else(|| panic!("no column `{column}`"))
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
struct Difference {
    ours: String,
    why: String,
}

static DIFFERENCES: LazyLock<BTreeMap<(String, usize), Difference>> = LazyLock::new(|| {
    let mut differences = BTreeMap::new();
    for row in read(include_str!("differences.csv")) {
        let key = (row.text("table").to_owned(), row.number("row") as usize);
        let (ours, why) = (row.text("ours").to_owned(), row.text("why").to_owned());
        assert!(!why.is_empty(), "{key:?} has no reason");
        assert!(differences.insert(key.clone(), Difference { ours, why }).is_none(), "{key:?} twice");
    }
    differences
});

fn read(text: &str) -> Vec<Row> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let columns: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let row = |(number, record): (usize, Result<csv::StringRecord, csv::Error>)| {
        let record = record.unwrap();
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
        let Self { name, text, ask } = *self;
        let trial = |row: Row| {
            let title = format!("{name}::{:02} {}", row.number, row.label);
            Trial::test(title, move || judge(name, &row, &ask(&row)))
        };
        read(text).into_iter().map(trial).collect()
    }
}

fn judge(table: &'static str, row: &Row, answers: &Answers) -> Result<(), Failed> {
    let Answers { peer, ours } = answers;
    match DIFFERENCES.get(&(table.to_owned(), row.number)) {
        Some(_) if ours == peer => Err(format!("no difference any more: both answer {peer}").into()),
        Some(Difference { ours: stated, why }) if ours != stated => Err(format!(
            "we answer {ours}, but should answer {stated}, because {why}; the peer answers {peer}"
        )
        .into()),
        None if ours != peer => Err(format!("the peer answers {peer}, we answer {ours}").into()),
        Some(_) | None => Ok(()),
    }
}

/// A difference that is stated for a row that is not there would never be looked at.
pub(crate) fn differences_belong_to_rows(tables: &[Table]) -> Trial {
    let rows: BTreeMap<&str, usize> =
        tables.iter().map(|table| (table.name, read(table.text).len())).collect();
    Trial::test("every difference belongs to a row", move || {
        for (table, number) in DIFFERENCES.keys() {
            if rows.get(table.as_str()).is_none_or(|rows| number > rows) {
                return Err(format!("{table} has no row {number}").into());
            }
        }
        Ok(())
    })
}
