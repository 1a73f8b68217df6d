use std::process::ExitCode;
use std::time::{Duration, Instant};

use super::catalogue::{CHECKS, Cargo, Check, Work};
use crate::engine::EngineSession;
use crate::error::XtaskError;
use crate::interrupt::Interrupt;
use crate::setup;
use crate::workspace::Workspace;

/// How a check ended and how long it took.
struct Outcome {
    name: &'static str,
    result: Result<(), XtaskError>,
    took: Duration,
}

/// `cargo xtask test --list`.
pub(crate) fn list() {
    for Check { name, about, .. } in CHECKS {
        println!("{name:<10} {about}");
    }
}

/// `cargo xtask test`: all checks, or those named. A failed check does not keep the others from running.
pub(crate) fn run(
    workspace: &Workspace,
    interrupt: &Interrupt,
    only: &[String],
) -> Result<ExitCode, XtaskError> {
    let mut outcomes = Vec::new();
    for check in select(only)? {
        println!("\n=== {}: {}", check.name, check.about);
        let start = Instant::now();
        let result = perform(check, workspace, interrupt);
        if let Err(error) = &result {
            println!("=== {} FAILED: {}", check.name, error.chain());
        }
        outcomes.push(Outcome { name: check.name, result, took: start.elapsed() });
        if interrupt.asked() {
            break;
        }
    }
    print_table(&outcomes);
    if interrupt.asked() {
        return Err(XtaskError::Interrupted);
    }
    let failed: Vec<&str> =
        outcomes.iter().filter(|outcome| outcome.result.is_err()).map(|outcome| outcome.name).collect();
    if failed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    println!("\nfailed: {}", failed.join(", "));
    Ok(ExitCode::FAILURE)
}

fn select(only: &[String]) -> Result<Vec<&'static Check>, XtaskError> {
    if let Some(name) = only.iter().find(|name| CHECKS.iter().all(|check| check.name != **name)) {
        let known = CHECKS.iter().map(|check| check.name).collect::<Vec<_>>().join(", ");
        return Err(XtaskError::UnknownCheck { name: name.clone(), known });
    }
    Ok(CHECKS.iter().filter(|check| only.is_empty() || only.iter().any(|name| name == check.name)).collect())
}

fn perform(check: &Check, workspace: &Workspace, interrupt: &Interrupt) -> Result<(), XtaskError> {
    match &check.work {
        Work::Own(work) => work(workspace),
        Work::Cargo(commands) => run_here(commands, workspace, interrupt),
        Work::Tools(commands) => {
            setup::ensure(interrupt)?;
            run_here(commands, workspace, interrupt)
        }
        Work::Engine { before, inside } => {
            run_here(before, workspace, interrupt)?;
            let session = EngineSession::start(interrupt)?;
            let result = inside.iter().try_for_each(|cargo| {
                let command = session.inside(cargo.command(workspace));
                println!("$ {command}");
                command.run(interrupt)
            });
            // The tests' failure says more than that of the stop which may follow from it.
            let stopped = session.stop();
            result.and(stopped)
        }
    }
}

fn run_here(commands: &[Cargo], workspace: &Workspace, interrupt: &Interrupt) -> Result<(), XtaskError> {
    commands.iter().try_for_each(|cargo| {
        let command = cargo.command(workspace);
        println!("$ {command}");
        command.run(interrupt)
    })
}

fn print_table(outcomes: &[Outcome]) {
    println!("\n{:<10} {:<7} {:>8}", "check", "result", "seconds");
    for Outcome { name, result, took } in outcomes {
        let result = if result.is_ok() { "ok" } else { "FAILED" };
        println!("{name:<10} {result:<7} {:>8.1}", took.as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_checks_without_a_name_and_in_their_own_order() {
        assert_eq!(select(&[]).unwrap().len(), CHECKS.len());
        let some = select(&["docker".to_owned(), "fmt".to_owned()]).unwrap();
        assert_eq!(some.iter().map(|check| check.name).collect::<Vec<_>>(), ["fmt", "docker"]);
    }

    #[test]
    fn an_unknown_name_is_an_error_that_lists_the_known() {
        let error = select(&["clipy".to_owned()]).unwrap_err().to_string();
        assert!(error.contains("clipy") && error.contains("clippy"), "{error}");
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = CHECKS.iter().map(|check| check.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), CHECKS.len());
    }
}
