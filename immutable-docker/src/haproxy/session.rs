use std::collections::VecDeque;
use std::fmt::Write as _;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};

use super::address::Place;
use super::answer::Answer;
use super::command::Command;
use super::config::HaproxyConfig;
use super::error::HaproxyError;

/// What HAProxy writes after every answer once it was sent `prompt`. No line of the answers this library asks for
/// begins with `> `.
const PROMPT: &[u8] = b"\n> ";

/// More than the statistics of 10,000 servers; an answer beyond it is not one of HAProxy.
const MAX_ANSWER: usize = 16 << 20;

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// One admin connection. Short-lived: a connection kept over a reload of HAProxy would go on talking to the old
/// process.
pub(super) struct Session<'a> {
    config: &'a HaproxyConfig,
    stream: Box<dyn Stream>,
    received: Vec<u8>,
}

impl<'a> Session<'a> {
    /// Connects, and makes answers separable (`prompt`) and errors recognisable (`set severity-output`).
    pub(super) async fn open(config: &'a HaproxyConfig) -> Result<Self, HaproxyError> {
        let connect = async {
            Ok::<Box<dyn Stream>, std::io::Error>(match config.admin.place() {
                Place::Unix(path) => Box::new(UnixStream::connect(path).await?),
                Place::Tcp(address) => Box::new(TcpStream::connect(address).await?),
            })
        };
        let stream = match tokio::time::timeout(config.timeout, connect).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(source)) => {
                return Err(HaproxyError::Unreachable { address: config.admin.clone(), source });
            }
            Err(_) => return Err(timed_out(config)),
        };
        let mut session = Self { config, stream, received: Vec::new() };
        for (command, answer) in session.run(&[Command::Prompt, Command::SeverityOutput]).await? {
            if answer.is_refusal() {
                return Err(refused(&command, &answer));
            }
        }
        Ok(session)
    }

    /// Sends the commands together and returns them with their answers. A refused command does not keep HAProxy from
    /// running the next one.
    pub(super) async fn run(&mut self, commands: &[Command]) -> Result<Vec<(Command, Answer)>, HaproxyError> {
        let config = self.config;
        match tokio::time::timeout(config.timeout, self.exchange(commands)).await {
            Ok(answers) => answers,
            Err(_) => Err(timed_out(config)),
        }
    }

    /// Sends one command that only shows something; a refusal is an error.
    pub(super) async fn show(&mut self, command: Command) -> Result<String, HaproxyError> {
        let answers = self.run(std::slice::from_ref(&command)).await?;
        match answers.into_iter().next() {
            Some((_, answer)) if !answer.is_refusal() => Ok(answer.text().to_owned()),
            Some((command, answer)) => Err(refused(&command, &answer)),
            None => Err(self.closed()),
        }
    }

    async fn exchange(&mut self, commands: &[Command]) -> Result<Vec<(Command, Answer)>, HaproxyError> {
        let mut text = String::new();
        for command in commands {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{command}");
        }
        // A write error means the same as the end of the answers: HAProxy is gone.
        self.stream.write_all(text.as_bytes()).await.map_err(|_| self.closed())?;

        let mut waiting: VecDeque<&Command> = commands.iter().collect();
        let mut answers = Vec::with_capacity(commands.len());
        let mut searched = 0;
        while let Some(&command) = waiting.front() {
            let found = self.received[searched..].windows(PROMPT.len()).position(|part| part == PROMPT);
            if let Some(at) = found {
                let end = searched + at;
                let answer = Answer::parse(&String::from_utf8_lossy(&self.received[..end]));
                tracing::debug!(%command, answer = answer.text().lines().next(), "haproxy");
                self.received.drain(..end + PROMPT.len());
                searched = 0;
                answers.push((command.clone(), answer));
                waiting.pop_front();
                continue;
            }
            // The prompt may be cut in two by the reads.
            searched = self.received.len().saturating_sub(PROMPT.len() - 1);
            if self.received.len() > MAX_ANSWER {
                return Err(HaproxyError::Unreadable {
                    command: command.to_string(),
                    reason: format!("it is longer than {MAX_ANSWER} bytes"),
                });
            }
            match self.stream.read_buf(&mut self.received).await {
                Ok(0) | Err(_) => return Err(self.closed()),
                Ok(_) => {}
            }
        }
        Ok(answers)
    }

    fn closed(&self) -> HaproxyError {
        HaproxyError::Closed { address: self.config.admin.clone() }
    }
}

pub(super) fn refused(command: &Command, answer: &Answer) -> HaproxyError {
    HaproxyError::Refused { command: command.to_string(), answer: answer.text().to_owned() }
}

fn timed_out(config: &HaproxyConfig) -> HaproxyError {
    HaproxyError::TimedOut { address: config.admin.clone(), after: config.timeout }
}
