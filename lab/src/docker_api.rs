use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::LabError;

/// Longer than any call the lab makes takes on a loaded machine; a hung engine must not hang a test for ever.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);

/// How many containers are removed at the same time; beyond this two cores gain nothing.
const PARALLEL_REMOVALS: usize = 8;

/// The few blocking calls of the Docker API that the lab needs.
///
/// Deliberately not the client under test: the lab cleans up and observes without the code that it observes.
#[derive(Debug, Clone)]
pub struct DockerApi {
    socket: PathBuf,
}

/// An answer of the engine.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ApiResponse {
    /// The HTTP status.
    pub status: u16,
    /// The whole body.
    pub body: Vec<u8>,
}

impl DockerApi {
    /// A client of the engine that listens on `socket`. Connects at each call.
    #[must_use]
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Self { socket: socket.into() }
    }

    /// The engine's Unix socket.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Asks whether the engine answers.
    ///
    /// # Errors
    ///
    /// When it does not.
    pub fn ping(&self) -> Result<(), LabError> {
        self.request("GET", "/_ping", "", &[]).map(drop)
    }

    /// One request, whatever its status.
    ///
    /// # Errors
    ///
    /// When the engine cannot be reached or does not answer in HTTP.
    pub fn send(
        &self,
        method: &str,
        path: &str,
        content_type: &str,
        body: &[u8],
    ) -> Result<ApiResponse, LabError> {
        // HTTP/1.0, so that the answer is never chunked and ends with the connection.
        let mut head = format!("{method} {path} HTTP/1.0\r\nContent-Length: {}\r\n", body.len());
        if !content_type.is_empty() {
            head.push_str("Content-Type: ");
            head.push_str(content_type);
            head.push_str("\r\n");
        }
        head.push_str("\r\n");

        let failed = || LabError::io(format!("{method} {path} on {}", self.socket.display()));
        let mut stream = UnixStream::connect(&self.socket).map_err(failed())?;
        stream.set_read_timeout(Some(CALL_TIMEOUT)).map_err(failed())?;
        stream.set_write_timeout(Some(CALL_TIMEOUT)).map_err(failed())?;
        stream.write_all(head.as_bytes()).map_err(failed())?;
        stream.write_all(body).map_err(failed())?;
        let mut answer = Vec::new();
        match stream.read_to_end(&mut answer) {
            // The engine has answered without reading the whole body, and then closed.
            Err(error) if error.kind() == ErrorKind::ConnectionReset && !answer.is_empty() => {}
            read => drop(read.map_err(failed())?),
        }
        parse(&answer).ok_or_else(|| LabError::Protocol {
            from: format!("the Docker engine at {}", self.socket.display()),
            answer: String::from_utf8_lossy(answer.get(..200).unwrap_or(&answer)).into_owned(),
        })
    }

    /// One request that must succeed (status 200 to 399).
    ///
    /// # Errors
    ///
    /// As [`DockerApi::send`], and when the engine refuses.
    pub fn request(
        &self,
        method: &str,
        path: &str,
        content_type: &str,
        body: &[u8],
    ) -> Result<ApiResponse, LabError> {
        let response = self.send(method, path, content_type, body)?;
        if (200..400).contains(&response.status) {
            return Ok(response);
        }
        Err(LabError::Api {
            request: format!("{method} {path}"),
            status: response.status,
            body: String::from_utf8_lossy(&response.body).trim().to_owned(),
        })
    }

    /// GET, answered in JSON.
    ///
    /// # Errors
    ///
    /// As [`DockerApi::request`], and when the answer is not JSON.
    pub fn get(&self, path: &str) -> Result<Value, LabError> {
        self.request("GET", path, "", &[])?.json()
    }

    /// POST of JSON, answered in JSON ([`Value::Null`] when there is no body).
    ///
    /// # Errors
    ///
    /// As [`DockerApi::request`], and when the answer is not JSON.
    pub fn post(&self, path: &str, body: &Value) -> Result<Value, LabError> {
        self.request("POST", path, "application/json", body.to_string().as_bytes())?.json()
    }

    /// Kills and removes every container of the engine. Only for an engine of one's own.
    ///
    /// # Errors
    ///
    /// The first failure; the other containers are removed all the same.
    pub fn remove_all_containers(&self) -> Result<(), LabError> {
        let listed = self.get("/containers/json?all=1")?;
        let ids: Vec<&str> = listed
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|container| container["Id"].as_str())
            .collect();
        let share = ids.len().div_ceil(PARALLEL_REMOVALS).max(1);
        thread::scope(|scope| {
            let removals: Vec<_> = ids
                .chunks(share)
                .map(|chunk| scope.spawn(move || chunk.iter().map(|id| self.remove(id)).collect::<Vec<_>>()))
                .collect();
            removals.into_iter().filter_map(|removal| removal.join().ok()).flatten().collect()
        })
    }

    fn remove(&self, id: &str) -> Result<(), LabError> {
        let path = format!("/containers/{id}?force=1&v=1");
        let response = self.send("DELETE", &path, "", &[])?;
        match response.status {
            // 404 and 409: somebody else's removal is done or in progress.
            200..=399 | 404 | 409 => Ok(()),
            status => Err(LabError::Api {
                request: format!("DELETE {path}"),
                status,
                body: String::from_utf8_lossy(&response.body).trim().to_owned(),
            }),
        }
    }
}

impl ApiResponse {
    /// The body as JSON; [`Value::Null`] when it is empty.
    ///
    /// # Errors
    ///
    /// When it is something else.
    pub fn json(&self) -> Result<Value, LabError> {
        if self.body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&self.body).map_err(|error| LabError::Protocol {
            from: "the Docker engine".to_owned(),
            answer: format!("{error} in {}", String::from_utf8_lossy(&self.body)),
        })
    }
}

fn parse(answer: &[u8]) -> Option<ApiResponse> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(answer.get(..end)?).ok()?;
    let status = head.lines().next()?.split(' ').nth(1)?.parse().ok()?;
    Some(ApiResponse { status, body: answer.get(end + 4..)?.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_split_into_status_and_body() {
        let response = parse(b"HTTP/1.0 404 Not Found\r\nContent-Type: x\r\n\r\n{\"a\":1}").unwrap();
        assert_eq!(response.status, 404);
        assert_eq!(response.json().unwrap()["a"], 1);
    }

    #[test]
    fn half_an_answer_is_no_answer() {
        assert!(parse(b"HTTP/1.0 200 OK\r\nContent-").is_none());
    }
}
