use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use immutable_core::Digest;
use immutable_lab::DockerApi;
use serde_json::{Value, json};

use crate::error::BenchError;
use crate::interrupt::Interrupt;

/// The port of the web server in every container.
pub(crate) const PORT: u16 = 8080;

/// How long a container has to end after SIGTERM, for all contestants.
pub(crate) const STOP_GRACE: Duration = Duration::from_secs(5);

const PROBE_INTERVAL: Duration = Duration::from_millis(20);
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);
const READY_WITHIN: Duration = Duration::from_secs(60);

/// A container run by the plain calls of the engine's API, as hardened as the fleet's own.
#[derive(Clone, Debug)]
pub(crate) struct Container {
    id: String,
    /// Of its first process, as the engine's machine sees it.
    pub(crate) pid: u64,
    pub(crate) address: SocketAddr,
}

impl Container {
    /// Creates and starts a container, and waits until it answers over HTTP.
    pub(crate) fn launch(
        api: &DockerApi,
        interrupt: &Interrupt,
        image: Digest,
        network: Option<&str>,
    ) -> Result<Self, BenchError> {
        let container = Self::start(api, image, network)?;
        interrupt.wait_for("a container that answers", READY_WITHIN, || {
            if container.is_ready() {
                return Ok(Some(()));
            }
            interrupt.sleep(PROBE_INTERVAL).map(|()| None)
        })?;
        Ok(container)
    }

    /// Creates and starts a container; its address need not be reachable from here.
    pub(crate) fn start(api: &DockerApi, image: Digest, network: Option<&str>) -> Result<Self, BenchError> {
        let body = json!({
            "Image": image.to_string(),
            "StopTimeout": STOP_GRACE.as_secs(),
            "HostConfig": {
                "NetworkMode": network.unwrap_or("default"),
                "ReadonlyRootfs": true,
                "CapDrop": ["ALL"],
                "SecurityOpt": ["no-new-privileges"],
            },
        });
        let unexpected = |what: &Value| BenchError::unexpected("the engine", what);
        let created = api.post("/containers/create", &body)?;
        let id = created["Id"].as_str().ok_or_else(|| unexpected(&created))?.to_owned();
        api.request("POST", &format!("/containers/{id}/start"), "", &[])?;
        let inspected = api.get(&format!("/containers/{id}/json"))?;
        let attached = &inspected["NetworkSettings"]["Networks"];
        let address = attached.as_object().and_then(|networks| networks.values().next());
        let address = address.and_then(|network| network["IPAddress"].as_str());
        let address: Ipv4Addr =
            address.and_then(|text| text.parse().ok()).ok_or_else(|| unexpected(attached))?;
        let pid = inspected["State"]["Pid"].as_u64().ok_or_else(|| unexpected(&inspected["State"]))?;
        Ok(Self { id, pid, address: (address, PORT).into() })
    }

    /// SIGTERM, the end, and the removal.
    pub(crate) fn remove(self, api: &DockerApi) -> Result<(), BenchError> {
        let Self { id, .. } = self;
        api.request("POST", &format!("/containers/{id}/stop?t={}", STOP_GRACE.as_secs()), "", &[])?;
        api.request("DELETE", &format!("/containers/{id}?force=1&v=1"), "", &[])?;
        Ok(())
    }

    fn is_ready(&self) -> bool {
        let ask = || -> std::io::Result<bool> {
            let mut stream = TcpStream::connect_timeout(&self.address, PROBE_TIMEOUT)?;
            stream.set_read_timeout(Some(PROBE_TIMEOUT))?;
            stream.write_all(b"GET /healthz HTTP/1.0\r\n\r\n")?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer)?;
            Ok(answer.get(8..12) == Some(b" 200"))
        };
        // Nothing listens yet.
        ask().unwrap_or(false)
    }
}
