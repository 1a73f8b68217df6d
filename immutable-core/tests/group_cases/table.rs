//! Tables of comma-separated cells, and guards as the trials name them.

use immutable_core::release::TrafficGuard;
use immutable_core::strategy::Share;
use libtest_mimic::Trial;

/// The rows below the header, each one trial called `<table> <number>: <what the row says>`.
///
/// A table that lost rows would pass unseen, so the number of rows is asserted here.
pub(crate) fn trials(
    table: &str,
    text: &'static str,
    rows: usize,
    name: impl Fn(&[String]) -> String,
    trial: fn(&[String]),
) -> Vec<Trial> {
    let lines: Vec<&str> = text.lines().skip(1).filter(|line| !line.is_empty()).collect();
    assert_eq!(lines.len(), rows, "rows of {table}");
    lines
        .into_iter()
        .zip(1..)
        .map(|(line, number)| {
            let row = cells(line);
            Trial::test(format!("{table} {number}: {}", name(&row)), move || {
                trial(&row);
                Ok(())
            })
        })
        .collect()
}

/// The cells of a line; one in quotes may hold commas.
fn cells(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut is_quoted = false;
    for character in line.chars() {
        match character {
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => cells.push(String::new()),
            _ => cells.last_mut().unwrap().push(character),
        }
    }
    cells
}

pub(crate) fn guard(hundredths: u8) -> TrafficGuard {
    TrafficGuard::new(Share::new(hundredths).unwrap())
}
