//! What users of other systems complain about: every number of `docs/pains.md` has a scenario, or a reason.

use std::collections::{BTreeMap, BTreeSet};

use libtest_mimic::{Failed, Trial};

use crate::script::{self, Script};

/// The rows of the table: the scenarios and the reason of each number.
fn table() -> BTreeMap<u8, Vec<String>> {
    let file = script::folder().join("../../../docs/pains.md");
    let text = std::fs::read_to_string(file).unwrap();
    let mut rows = BTreeMap::new();
    for line in text.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let Some(number) = cells.get(1).and_then(|cell| cell.parse().ok()) else { continue };
        let [_, _, pain, scenarios, answer, _] = cells[..] else { panic!("`{line}` has not four cells") };
        assert!(!pain.is_empty() && !answer.is_empty(), "`{line}` says too little");
        let names = scenarios.split(", ").filter(|name| *name != "–");
        let names = names.map(|name| name.trim_matches('`').to_owned()).collect();
        assert!(rows.insert(number, names).is_none(), "{number} is in the table twice");
    }
    rows
}

fn every_pain_has_an_answer() {
    let table = table();
    assert_eq!(table.keys().copied().collect::<Vec<u8>>(), (1..=38).collect::<Vec<u8>>());
    let mut answered: BTreeMap<u8, BTreeSet<String>> = BTreeMap::new();
    for name in script::names() {
        for pain in Script::read(&name).pains {
            answered.entry(pain).or_default().insert(name.clone());
        }
    }
    for (number, names) in table {
        let names: BTreeSet<String> = names.into_iter().collect();
        assert_eq!(names, answered.remove(&number).unwrap_or_default(), "scenarios of pain {number}");
    }
    assert_eq!(answered, BTreeMap::new(), "pains that are not in the table");
}

fn every_log_has_a_script() {
    let mut logs: Vec<String> = std::fs::read_dir(script::folder().join("golden"))
        .unwrap()
        .map(|file| file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    logs.sort();
    assert_eq!(logs, script::names());
}

pub(crate) fn trials() -> Vec<Trial> {
    let trial = |name: &str, test: fn()| {
        Trial::test(name.to_owned(), move || -> Result<(), Failed> {
            test();
            Ok(())
        })
    };
    vec![
        trial("every_pain_has_an_answer", every_pain_has_an_answer),
        trial("every_log_has_a_script", every_log_has_a_script),
    ]
}
