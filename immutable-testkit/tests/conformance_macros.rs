//! No case of a suite is forgotten by its macro.

/// The names between two texts of a source, as they are exported by the module of a suite.
fn exported(source: &str) -> Vec<String> {
    let lists = source.split("pub use ").skip(1).map(|list| list.split(';').next().unwrap_or_default());
    let names = lists.flat_map(|list| list.split(|c: char| !c.is_alphanumeric() && c != '_'));
    let mut names: Vec<String> = names.filter(|name| name.contains('_')).map(str::to_owned).collect();
    names.sort();
    names
}

fn listed(suite: &str) -> Vec<String> {
    let source = include_str!("../src/conformance/macros.rs");
    let list = source.split(&format!("|$h, $case| $body, {suite}:")).nth(1).unwrap_or_default();
    let list = list.split('}').next().unwrap_or_default();
    let mut names: Vec<String> = list.split_whitespace().map(str::to_owned).collect();
    names.sort();
    names
}

#[test]
fn each_macro_lists_each_case() {
    for (suite, source) in [
        ("fleet", include_str!("../src/conformance/fleet/mod.rs")),
        ("router", include_str!("../src/conformance/router/mod.rs")),
        ("journal_store", include_str!("../src/conformance/journal_store/mod.rs")),
        ("catalog", include_str!("../src/conformance/catalog/mod.rs")),
    ] {
        assert!(listed(suite).len() > 10, "{suite}: the list was not found");
        assert_eq!(exported(source), listed(suite), "{suite}");
    }
}
