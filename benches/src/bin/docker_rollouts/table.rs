use std::fmt::Write;

use crate::contestant::{Name, Run};
use crate::standings::{Standings, median, walls};

/// Every contestant's runs in every case, in Markdown.
pub(crate) fn runs(standings: &Standings) -> String {
    let mut table = "\
| containers | at a time | who | wall s of each run | least | median | failed / requests | cut | p99 ms | engine calls, CPU ms \
a container | load average |
|---|---|---|---|---|---|---|---|---|---|---|
"
    .to_owned();
    for (case, name, runs) in standings.runs() {
        let parallelism =
            if name.has_parallelism() { case.parallelism.to_string() } else { "–".to_owned() };
        let sorted = walls(runs);
        // In the order of the rounds.
        let each = joined(runs, |run| format!("{:.2}", run.wall.as_secs_f64()));
        let sum = |count: fn(&Run) -> u64| runs.iter().map(count).sum::<u64>();
        let (failed, total) = (sum(|run| run.load.failed_total()), sum(|run| run.load.total));
        let p99 = runs.iter().map(|run| run.load.latency.p99).max().unwrap_or_default();
        let _ = writeln!(
            table,
            "| {} | {parallelism} | {name} | {each} | {:.2} | {:.2} | {failed} / {total} | {} | {:.0} | {} | {} |",
            case.replicas,
            sorted.first().copied().unwrap_or_default(),
            median(&sorted),
            sum(|run| run.load.stale),
            p99.as_secs_f64() * 1000.0,
            cost(runs, case.replicas.get()),
            joined(runs, |run| format!("{:.1}", run.load_average)),
        );
    }
    table
}

/// Our time beside everybody else's, in Markdown.
pub(crate) fn comparison(standings: &Standings) -> String {
    let peers = [Name::Swarm, Name::Floor, Name::Compose];
    let mut table = "\
| containers | at a time | ours s | Swarm s | ours / Swarm | floor s | ours / floor | compose s | ours / compose |
|---|---|---|---|---|---|---|---|---|
"
    .to_owned();
    let number = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.2}"));
    for case in standings.cases() {
        let ours = number(standings.median(Name::Ours, case));
        let _ = write!(table, "| {} | {} | {ours} |", case.replicas, case.parallelism);
        for peer in peers {
            let (theirs, ratio) = (standings.median(peer, case), standings.ratio(peer, case));
            let _ = write!(table, " {} | {} |", number(theirs), number(ratio));
        }
        table.push('\n');
    }
    table
}

/// The mean of all runs that tell it.
fn cost(runs: &[Run], replicas: u32) -> String {
    let told: Vec<_> = runs.iter().filter_map(|run| run.cost).collect();
    let containers = told.len() as f64 * f64::from(replicas);
    if told.is_empty() {
        return "–".to_owned();
    }
    let calls = told.iter().map(|cost| cost.engine_calls).sum::<u64>() as f64;
    let cpu = told.iter().map(|cost| cost.cpu.as_secs_f64()).sum::<f64>() * 1000.0;
    format!("{:.1}, {:.1}", calls / containers, cpu / containers)
}

fn joined(runs: &[Run], text: impl Fn(&Run) -> String) -> String {
    runs.iter().map(text).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::contestant::Cost;
    use crate::standings::tests::{case, run};

    #[test]
    fn what_was_not_measured_is_a_dash() {
        let mut standings = Standings::default();
        let cost = Some(Cost { engine_calls: 60, cpu: Duration::from_millis(45) });
        standings.add(Name::Ours, case(10, 5), Run { cost, ..run(4) });
        standings.add(Name::Ours, case(10, 5), Run { cost, ..run(3) });
        standings.add(Name::Floor, case(10, 5), run(3));
        let (runs, comparison) = (runs(&standings), comparison(&standings));
        let last = |table: &str| table.lines().last().unwrap().to_owned();
        assert!(
            runs.contains(
                "| 10 | 5 | ours | 4.00, 3.00 | 3.00 | 3.50 | 0 / 0 | 0 | 0 | 6.0, 4.5 | 0.5, 0.5 |"
            )
        );
        assert_eq!(last(&runs), "| 10 | 5 | floor | 3.00 | 3.00 | 3.00 | 0 / 0 | 0 | 0 | – | 0.5 |");
        assert_eq!(last(&comparison), "| 10 | 5 | 3.50 | – | – | 3.00 | 1.17 | – | – |");
    }
}
