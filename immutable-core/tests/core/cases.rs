//! Kubernetes', Argo Rollouts' and Cluster API's own test tables; the sources are named in `cases/README.md`.

use immutable_core::Quantity;
use immutable_core::limits::Limits;

fn rows(table: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    table.lines().skip(1).filter(|line| !line.is_empty()).map(|line| line.split(',').collect())
}

/// A table's cell: a number is a count, anything else must be a percentage.
fn quantity(cell: &str) -> Result<Quantity, serde_json::Error> {
    if cell.parse::<u32>().is_ok() {
        serde_json::from_str(cell)
    } else {
        serde_json::from_str(&serde_json::to_string(cell)?)
    }
}

#[test]
fn parsing_is_that_of_kubernetes() {
    let mut seen = 0;
    for row in rows(include_str!("cases/intstr_parse.csv")) {
        let [input, kind, error, value, is_percent] = row[..] else { panic!("{row:?}") };
        let json = if kind == "int" { input.to_owned() } else { format!("\"{input}\"") };
        let parsed = serde_json::from_str::<Quantity>(&json);
        assert_eq!(parsed.is_err(), error == "true", "{input}");
        if let Ok(parsed) = parsed {
            let value: u32 = value.parse().unwrap();
            let expected =
                if is_percent == "true" { Quantity::Percent(value) } else { Quantity::Count(value) };
            assert_eq!(parsed, expected, "{input}");
        }
        seen += 1;
    }
    assert_eq!(seen, 6);
}

#[test]
fn rounding_is_that_of_kubernetes() {
    let mut seen = 0;
    for row in rows(include_str!("cases/intstr_percent.csv")) {
        let [input, total, round_up, error, value] = row[..] else { panic!("{row:?}") };
        let parsed = input.trim_end_matches(" (string)").parse::<Quantity>();
        assert_eq!(parsed.is_err(), error == "true", "{input}");
        if let Ok(quantity) = parsed {
            let total = total.parse().unwrap();
            let rounded =
                if round_up == "true" { quantity.round_up(total) } else { quantity.round_down(total) };
            assert_eq!(rounded, value.parse::<u32>().unwrap(), "{input} of {total}");
        }
        seen += 1;
    }
    assert_eq!(seen, 6);
}

/// Where a peer lets a limit of zero and zero give way to one unavailable, we refuse: the one rule that differs.
#[test]
fn fenceposts_are_those_of_kubernetes_but_for_zero_and_zero() {
    let (mut same, mut stricter) = (0, 0);
    for row in rows(include_str!("cases/fenceposts.csv")) {
        let [system, surge, unavailable, desired, expect_surge, expect_unavailable, error] = row[..] else {
            panic!("{row:?}")
        };
        let or_zero = |cell: &str| if cell.is_empty() { Ok(Quantity::Count(0)) } else { quantity(cell) };
        let budget =
            or_zero(surge).ok().zip(or_zero(unavailable).ok()).map(|(max_surge, max_unavailable)| {
                Limits { max_surge, max_unavailable, ..Limits::default() }.budget(desired.parse().unwrap())
            });
        match budget {
            // Cluster API's row `5, 1` is a text there and so an error; as numbers they are fine.
            Some(Ok(budget)) if error == "true" => {
                assert_eq!((system, budget.max_surge, budget.max_unavailable), ("cluster-api", 5, 1));
            }
            Some(Ok(budget)) => {
                let expected = (expect_surge.parse().unwrap(), expect_unavailable.parse().unwrap());
                assert_eq!((budget.max_surge, budget.max_unavailable), expected, "{row:?}");
                same += 1;
            }
            Some(Err(refused)) => {
                assert_eq!((expect_surge, expect_unavailable), ("0", "1"), "{row:?}");
                let text = refused.to_string();
                assert!(text.contains("max_surge 0") && text.contains("max_unavailable 0"), "{text}");
                stricter += 1;
            }
            None => assert_eq!(error, "true", "{row:?}"),
        }
    }
    assert_eq!((same, stricter), (3, 2));
}

#[test]
fn unavailable_is_capped_at_the_desired_number() {
    let mut seen = 0;
    for row in rows(include_str!("cases/max_unavailable.csv")) {
        let [_, case, desired, unavailable, strategy, expected] = row[..] else { panic!("{row:?}") };
        // `Recreate` has no limits in Kubernetes; the strategy is not built yet.
        if strategy != "rolling" {
            continue;
        }
        let limits = Limits { max_unavailable: quantity(unavailable).unwrap(), ..Limits::default() };
        let budget = limits.budget(desired.parse().unwrap()).unwrap();
        assert_eq!(budget.max_unavailable, expected.parse::<u32>().unwrap(), "{case}");
        seen += 1;
    }
    assert_eq!(seen, 15);
}
