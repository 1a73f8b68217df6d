//! What the engine's refusals mean to the caller of a fleet.

use std::path::PathBuf;

use bollard::errors::Error as EngineError;
use immutable_core::FleetId;
use immutable_core::error::Retry;
use immutable_core::fleet::FleetError;

/// No answer, or none that could be read.
#[derive(Debug, thiserror::Error)]
#[error(
    "no answer from the Docker engine at {socket}: check that it runs and that this user may open the socket, or name \
     another one with DOCKER_HOST=unix:///path/to/docker.sock or DockerFleetConfig::with_socket"
)]
struct NoAnswer {
    socket: String,
    #[source]
    source: EngineError,
}

/// The status code, if the engine answered.
pub(crate) const fn status(error: &EngineError) -> Option<u16> {
    match error {
        EngineError::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

/// What the engine said, if it answered.
pub(crate) fn message(error: &EngineError) -> &str {
    match error {
        EngineError::DockerResponseServerError { message, .. } => message.trim(),
        _ => "",
    }
}

/// Maps errors of one engine to errors of one fleet.
#[derive(Clone, Debug)]
pub(crate) struct ErrorContext {
    pub(crate) fleet: FleetId,
    pub(crate) socket: PathBuf,
}

impl ErrorContext {
    /// The error for an engine call that failed and for which nothing more is known.
    pub(crate) fn failed(&self, action: &'static str, error: EngineError) -> FleetError {
        let platform =
            |retry, source| FleetError::Platform { fleet: self.fleet.clone(), action, retry, source };
        let Some(status) = status(&error) else {
            let socket = self.socket.display().to_string();
            return platform(Retry::Backoff, Box::new(NoAnswer { socket, source: error }));
        };
        let said = message(&error);
        match status {
            // It was there a moment ago: somebody removed it in between.
            404 if said.to_ascii_lowercase().contains("no such container") => {
                platform(Retry::Backoff, Box::new(error))
            }
            400 | 404 => self.invalid(format!("the engine refuses to {action}: {said}")),
            401 | 403 => platform(Retry::Never, Box::new(error)),
            500.. if is_out_of_room(said) => {
                FleetError::NoCapacity { fleet: self.fleet.clone(), reason: said.to_owned() }
            }
            _ => platform(Retry::Backoff, Box::new(error)),
        }
    }

    pub(crate) fn invalid(&self, reason: String) -> FleetError {
        FleetError::Invalid { fleet: self.fleet.clone(), reason }
    }

    /// The error for a call that had no effect in time.
    pub(crate) fn overdue(&self, action: &'static str, what: String) -> FleetError {
        FleetError::Platform { fleet: self.fleet.clone(), action, retry: Retry::Backoff, source: what.into() }
    }
}

/// The engine has no status code for "full": these are its words for it.
fn is_out_of_room(said: &str) -> bool {
    ["no space left on device", "no available IPv4 addresses", "could not find an available"]
        .iter()
        .any(|words| said.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(status_code: u16, message: &str) -> FleetError {
        let context =
            ErrorContext { fleet: FleetId::new("web").unwrap(), socket: PathBuf::from("/run/d.sock") };
        let message = message.to_owned();
        context.failed("start a container", EngineError::DockerResponseServerError { status_code, message })
    }

    #[test]
    fn kinds_follow_what_the_caller_can_do() {
        assert!(matches!(failed(400, "x"), FleetError::Invalid { .. }));
        assert!(matches!(failed(500, "mkdir: no space left on device"), FleetError::NoCapacity { .. }));
        assert_eq!(failed(500, "oops").retry(), Retry::Backoff);
        assert_eq!(failed(404, "No such container: abc").retry(), Retry::Backoff);
        assert_eq!(failed(404, "network web not found").retry(), Retry::Never);
        assert_eq!(failed(403, "denied").retry(), Retry::Never);
    }

    #[test]
    fn an_unreachable_engine_names_the_socket_and_the_way_out_once() {
        let context =
            ErrorContext { fleet: FleetId::new("web").unwrap(), socket: PathBuf::from("/run/d.sock") };
        let error = context.failed("list containers", EngineError::RequestTimeoutError);
        assert_eq!(error.retry(), Retry::Backoff);
        assert_eq!(error.to_string(), "fleet web: list containers failed");
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.contains("/run/d.sock") && source.contains("DOCKER_HOST"), "{source}");
    }
}
