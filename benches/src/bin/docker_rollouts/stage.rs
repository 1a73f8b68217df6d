use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use immutable_core::Digest;
use immutable_lab::{DockerApi, Lab, Load, LoadOptions};
use serde_json::json;

use crate::command::Done;
use crate::contestant::Run;
use crate::error::BenchError;
use crate::images::Images;
use crate::interrupt::Interrupt;

/// The network of the contestants that find their containers by DNS.
pub(crate) const NETWORK: &str = "bench";

/// Set when the engine belongs to somebody.
const FOREIGN_ENGINE: &str = "IMMUTABLE_DOCKER_HOST";

/// Load before and after the rollout itself.
const MARGIN: Duration = Duration::from_secs(1);

/// How long what was replaced may take to be gone after the command has ended.
const SETTLED_WITHIN: Duration = Duration::from_secs(30);

/// An engine of one's own and what every contestant needs of it.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) lab: Lab,
    pub(crate) images: Images,
    pub(crate) interrupt: Interrupt,
}

/// Where the load of a run goes.
#[derive(Debug)]
pub(crate) struct Entrance {
    /// A loopback address.
    pub(crate) address: SocketAddr,
    /// The network namespace in which it is one; this process's own when `None`.
    pub(crate) netns: Option<PathBuf>,
}

impl Stage {
    pub(crate) fn new(interrupt: Interrupt) -> Result<Self, BenchError> {
        if std::env::var_os(FOREIGN_ENGINE).is_some() {
            return Err(BenchError::ForeignEngine { variable: FOREIGN_ENGINE });
        }
        let lab = Lab::connect()?;
        let images = Images::bake(&lab)?;
        Ok(Self { lab, images, interrupt })
    }

    pub(crate) fn api(&self) -> DockerApi {
        self.lab.api()
    }

    /// Runs the rollout while 200 requests a second arrive at the entrance.
    pub(crate) fn measure(
        &self,
        entrance: Entrance,
        roll: impl FnOnce() -> Result<Done, BenchError>,
    ) -> Result<(Run, Done), BenchError> {
        let options = LoadOptions { netns: entrance.netns, ..LoadOptions::default() };
        let load = Load::start(entrance.address, options)?;
        self.interrupt.sleep(MARGIN)?;
        let load_average = load_average()?;
        let done = roll()?;
        self.interrupt.sleep(MARGIN)?;
        let run = Run { wall: done.wall, load: load.stop(), load_average, cost: None };
        Ok((run, done))
    }

    /// Waits until exactly so many containers of the new image run, and none of the old one. A contestant that does
    /// not bring that about has not replaced anything.
    pub(crate) fn settle(&self, old: Digest, new: Digest, replicas: u32) -> Result<(), BenchError> {
        let api = self.api();
        let (old, new) = (old.to_string(), new.to_string());
        self.interrupt.wait_for("the end of what was replaced", SETTLED_WITHIN, || {
            let running = api.get("/containers/json")?;
            let of = |image: &str| {
                let images = running.as_array().into_iter().flatten().map(|one| &one["ImageID"]);
                images.filter(|id| *id == image).count()
            };
            Ok((of(&old) == 0 && of(&new) == replicas as usize).then_some(()))
        })
    }

    /// A network of containers that this process can reach by address.
    pub(crate) fn make_network(&self, driver: &str) -> Result<(), BenchError> {
        let body = json!({ "Name": NETWORK, "Driver": driver, "Attachable": true, "CheckDuplicate": true });
        self.api().post("/networks/create", &body)?;
        Ok(())
    }

    /// Removes whatever a contestant left on the engine.
    pub(crate) fn clear(&self) -> Result<(), BenchError> {
        let api = self.api();
        // Swarm replaces what is removed, so it goes first; 503: there is no swarm.
        let left = self.expect(&[200, 503], "POST", "/swarm/leave?force=1");
        let containers = api.remove_all_containers().map_err(BenchError::from);
        let network = self.expect(&[204, 404], "DELETE", &format!("/networks/{NETWORK}"));
        left.and(containers).and(network)
    }

    fn expect(&self, statuses: &[u16], method: &str, path: &str) -> Result<(), BenchError> {
        let response = self.api().send(method, path, "", &[])?;
        let status = response.status;
        if statuses.contains(&status) {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&response.body).into_owned();
        Err(BenchError::unexpected("the engine", format!("{method} {path}: {status} {said}")))
    }
}

/// Of the last minute.
fn load_average() -> Result<f64, BenchError> {
    let text =
        std::fs::read_to_string("/proc/loadavg").map_err(BenchError::io("reading the load average"))?;
    let first = text.split(' ').next().and_then(|word| word.parse().ok());
    first.ok_or_else(|| BenchError::unexpected("/proc/loadavg", text))
}
