use std::process::ExitCode;

use crate::case::Case;
use crate::contestant::{Contestant, Name, Run};
use crate::error::BenchError;
use crate::interrupt::Interrupt;
use crate::options::Options;
use crate::stage::Stage;
use crate::standings::Standings;
use crate::table;

/// Measures everything that was asked for, prints the table, and judges.
pub(crate) fn run(options: &Options) -> Result<ExitCode, BenchError> {
    let stage = Stage::new(Interrupt::register()?)?;
    let mut standings = Standings::default();
    let measured = measure(&stage, options, &mut standings);
    // What was measured before an error or Ctrl-C is worth seeing too.
    println!("{}", table::runs(&standings));
    println!("{}", table::comparison(&standings));
    measured?;
    let verdicts = standings.verdicts();
    for verdict in &verdicts {
        println!("{verdict}");
    }
    let kept = verdicts.iter().all(|verdict| verdict.is_kept());
    Ok(if kept || !options.check { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn measure(stage: &Stage, options: &Options, standings: &mut Standings) -> Result<(), BenchError> {
    let names = options.contestants();
    let contestants: Vec<(Name, Box<dyn Contestant>)> =
        names.iter().map(|name| (*name, name.contestant(options))).collect();
    for replicas in &options.replicas {
        for (position, parallelism) in options.parallelism.iter().enumerate() {
            let case = Case { replicas: *replicas, parallelism: *parallelism };
            for round in 0..options.rounds.get() as usize {
                // Whoever begins, begins only once in a while.
                let turns =
                    contestants.iter().cycle().skip(round % contestants.len()).take(contestants.len());
                for (name, contestant) in turns {
                    if !name.has_parallelism() && position > 0 {
                        continue;
                    }
                    let run = turn(stage, &**contestant, case)?;
                    announce(*name, case, &run);
                    standings.add(*name, case, run);
                }
            }
        }
    }
    Ok(())
}

/// One run on an engine with nothing else on it, before and after.
fn turn(stage: &Stage, contestant: &dyn Contestant, case: Case) -> Result<Run, BenchError> {
    let run = contestant.run(stage, case);
    let cleared = stage.clear();
    let run = run?;
    cleared?;
    Ok(run)
}

fn announce(name: Name, case: Case, run: &Run) {
    let Case { replicas, parallelism } = case;
    let limit = if name.has_parallelism() { format!("{parallelism:>2} at a time") } else { " ".repeat(12) };
    let wall = run.wall.as_secs_f64();
    let lost = run.load.failed_total();
    eprintln!("{name:<7} {replicas:>3} containers {limit}  {wall:>6.2} s  {lost} of {} lost", run.load.total);
}
