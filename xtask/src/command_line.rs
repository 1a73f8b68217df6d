use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::error::XtaskError;
use crate::interrupt::Interrupt;

const POLL: Duration = Duration::from_millis(20);

/// What was interrupted gets this long to end before it is killed.
const END_WITHIN: Duration = Duration::from_secs(5);

/// A command that is printed, run to its end, and ended with us.
#[derive(Debug, Clone)]
pub(crate) struct CommandLine {
    program: OsString,
    args: Vec<OsString>,
    env: Vec<(String, OsString)>,
    folder: Option<PathBuf>,
    interactive: bool,
}

impl CommandLine {
    pub(crate) fn new(program: impl Into<OsString>) -> Self {
        Self { program: program.into(), args: Vec::new(), env: Vec::new(), folder: None, interactive: false }
    }

    pub(crate) fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    pub(crate) fn env(mut self, name: impl Into<String>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    pub(crate) fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Shares the terminal: standard input, and Ctrl-C straight from the keyboard.
    pub(crate) fn interactive(mut self) -> Self {
        self.interactive = true;
        self
    }

    /// The same command, started by `program` with `args` in front of it.
    pub(crate) fn behind<A: Into<OsString>>(
        self,
        program: impl Into<OsString>,
        args: impl IntoIterator<Item = A>,
    ) -> Self {
        let mut all: Vec<OsString> = args.into_iter().map(Into::into).collect();
        all.push(self.program);
        all.extend(self.args);
        Self { program: program.into(), args: all, ..self }
    }

    /// Runs it; its failure is an error that names it.
    pub(crate) fn run(&self, interrupt: &Interrupt) -> Result<(), XtaskError> {
        let status = self.status(interrupt)?;
        if status.success() {
            return Ok(());
        }
        Err(XtaskError::Failed { command: self.to_string(), status: status.to_string() })
    }

    /// Runs it to its end, or ends it when this process is asked to end.
    pub(crate) fn status(&self, interrupt: &Interrupt) -> Result<ExitStatus, XtaskError> {
        let failed = || format!("running `{self}`");
        let mut command = self.command();
        if !self.interactive {
            // A group of its own: one signal reaches Cargo and the tests that it runs.
            command.stdin(Stdio::null()).process_group(0);
        }
        let mut child = command.spawn().map_err(XtaskError::io(failed()))?;
        loop {
            if let Some(status) = child.try_wait().map_err(XtaskError::io(failed()))? {
                return if interrupt.asked() { Err(XtaskError::Interrupted) } else { Ok(status) };
            }
            if interrupt.asked() {
                self.end(&mut child);
                return Err(XtaskError::Interrupted);
            }
            thread::sleep(POLL);
        }
    }

    /// Runs it and returns its standard output.
    pub(crate) fn output(&self) -> Result<String, XtaskError> {
        let output = self
            .command()
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .map_err(XtaskError::io(format!("running `{self}`")))?;
        if !output.status.success() {
            return Err(XtaskError::Failed { command: self.to_string(), status: output.status.to_string() });
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args).envs(self.env.iter().map(|(name, value)| (name, value)));
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        command
    }

    fn end(&self, child: &mut Child) {
        let send = |child: &Child, signal| {
            let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
            // It may have ended by itself, which is what is wanted.
            let _ = pid.map(|pid| {
                if self.interactive { kill_process(pid, signal) } else { kill_process_group(pid, signal) }
            });
        };
        // What shares the terminal expects Ctrl-C, and may clean up for no other signal.
        send(child, if self.interactive { Signal::INT } else { Signal::TERM });
        let deadline = Instant::now() + END_WITHIN;
        while matches!(child.try_wait(), Ok(None)) && Instant::now() < deadline {
            thread::sleep(POLL);
        }
        if matches!(child.try_wait(), Ok(None)) {
            send(child, Signal::KILL);
            let _ = child.wait();
        }
    }
}

impl fmt::Display for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.env {
            write!(f, "{name}={} ", quoted(value))?;
        }
        // The full path of a program says less than its name.
        let program = std::path::Path::new(&self.program).file_name().unwrap_or(&self.program);
        write!(f, "{}", quoted(program))?;
        for arg in &self.args {
            write!(f, " {}", quoted(arg))?;
        }
        Ok(())
    }
}

fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain =
        !word.is_empty() && !word.contains(|c: char| c.is_whitespace() || "'\"$&|;<>()*?\\`".contains(c));
    if plain { word.into_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_reads_as_it_would_be_typed() {
        let command = CommandLine::new("/usr/bin/cargo").args(["test", "a b"]).env("X", "-D warnings");
        assert_eq!(command.to_string(), "X='-D warnings' cargo test 'a b'");
        let inside = command.behind("nsenter", ["--net=/run/netns/x"]);
        assert_eq!(
            inside.to_string(),
            "X='-D warnings' nsenter --net=/run/netns/x /usr/bin/cargo test 'a b'"
        );
    }
}
