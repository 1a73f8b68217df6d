use std::io::{Read, Seek};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::error::BenchError;
use crate::interrupt::Interrupt;

/// Longer than any rollout takes on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(600);

/// What a command that succeeded left.
#[derive(Debug)]
pub(crate) struct Done {
    /// What it wrote to its standard output.
    pub(crate) output: String,
    /// From its start to its end, exact to a few milliseconds.
    pub(crate) wall: Duration,
}

/// Runs a command to success; ends it when this process shall end.
pub(crate) fn run(command: &mut Command, interrupt: &Interrupt) -> Result<Done, BenchError> {
    let text = format!("{command:?}");
    let failed = || BenchError::io(format!("running {text}"));
    // Files cannot fill up as pipes do while nobody reads.
    let mut output = tempfile::tempfile().map_err(failed())?;
    let mut errors = tempfile::tempfile().map_err(failed())?;
    command.stdin(Stdio::null());
    command.stdout(output.try_clone().map_err(failed())?);
    command.stderr(errors.try_clone().map_err(failed())?);
    let began = Instant::now();
    let mut child = Owned(command.spawn().map_err(failed())?);
    let status = interrupt
        .wait_for(&format!("the end of {text}"), PATIENCE, || child.0.try_wait().map_err(failed()))?;
    let wall = began.elapsed();
    let read = |file: &mut std::fs::File| -> Result<String, BenchError> {
        let mut bytes = Vec::new();
        file.rewind().and_then(|()| file.read_to_end(&mut bytes)).map_err(failed())?;
        Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
    };
    if ExitStatus::success(&status) {
        return Ok(Done { output: read(&mut output)?, wall });
    }
    let said = format!("{}\n{}", read(&mut output)?, read(&mut errors)?);
    Err(BenchError::Failed { command: text, status: status.to_string(), output: said.trim().to_owned() })
}

/// Killed when nobody waits for it any more.
#[derive(Debug)]
struct Owned(Child);

impl Drop for Owned {
    fn drop(&mut self) {
        // Both fail for a child that has ended and was waited for.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
