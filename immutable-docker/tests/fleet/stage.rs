//! What every test needs: a fleet name of its own, an image, and the engine by a client that is not under test.

use std::num::{NonZeroU16, NonZeroU32};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use immutable_core::fleet::{Fleet, Instance, LaunchRequest, Launched, Snapshot, TerminateRequest};
use immutable_core::{Attempt, Digest, FleetId, InstanceId, RolloutId, Slot, Zone};
use immutable_docker::{DockerFleet, DockerFleetConfig, HttpProbe, Readiness, labels};
use immutable_lab::{DockerApi, Lab, WebBinary, unique_name};
use serde_json::{Value, json};

/// Long enough for an engine that many tests keep busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// Shorter than the 30 s after which the monitor lists for want of events: a change must not be noticed that way.
const NOTICE: Duration = Duration::from_secs(25);

/// Removes the fleet's containers in the end.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) id: FleetId,
    pub(crate) api: DockerApi,
    socket: PathBuf,
}

impl Stage {
    /// On the engine of this run.
    pub(crate) fn new() -> Self {
        let lab = Lab::connect().expect("run through `cargo xtask engine -- cargo test ...`");
        Self::on(lab.api())
    }

    pub(crate) fn on(api: DockerApi) -> Self {
        let id = FleetId::new(unique_name("fleet")).unwrap();
        Self { id, socket: api.socket().to_owned(), api }
    }

    /// Ready as soon as they run, and quick to stop.
    pub(crate) fn config(&self) -> DockerFleetConfig {
        DockerFleetConfig::new(self.id.clone(), zone())
            .with_socket(&self.socket)
            .with_readiness(Readiness::RunningIsReady)
            .with_stop_grace(Duration::from_secs(2))
    }

    pub(crate) async fn fleet(&self) -> DockerFleet {
        DockerFleet::connect(self.config()).await.unwrap()
    }

    /// Asked over HTTP, at a fast schedule.
    pub(crate) fn http_config(&self) -> DockerFleetConfig {
        let probe = HttpProbe::new(NonZeroU16::new(8080).unwrap(), "/healthz")
            .with_interval_ready(Duration::from_millis(50))
            .with_failures(NonZeroU32::new(2).unwrap());
        self.config().with_readiness(Readiness::Http(probe))
    }

    pub(crate) async fn probed(&self, env: &[(&str, &str)]) -> DockerFleet {
        let config = self.http_config();
        let config = env.iter().fold(config, |config, (name, value)| config.with_env(*name, *value));
        DockerFleet::connect(config).await.unwrap()
    }

    /// The containers with this fleet's label, as the engine lists them.
    pub(crate) fn containers(&self) -> Vec<Value> {
        let filters = format!("%7B%22label%22%3A%5B%22{}%3D{}%22%5D%7D", labels::FLEET, self.id);
        let listed = self.api.get(&format!("/containers/json?all=1&filters={filters}")).unwrap();
        listed.as_array().unwrap().clone()
    }

    pub(crate) fn inspect(&self, container: &InstanceId) -> Value {
        self.api.get(&format!("/containers/{container}/json")).unwrap()
    }

    /// Creates a container behind the fleet's back, without starting it.
    pub(crate) fn create(&self, name: &str, image: &Digest, labels: &Value) -> InstanceId {
        let body = json!({ "Image": image.to_string(), "Labels": labels });
        let created = self.api.post(&format!("/containers/create?name={name}"), &body).unwrap();
        InstanceId::new(created["Id"].as_str().unwrap()).unwrap()
    }

    pub(crate) fn start(&self, container: &InstanceId) {
        self.post(container, "start");
    }

    pub(crate) fn signal(&self, container: &InstanceId, signal: &str) {
        self.post(container, &format!("kill?signal={signal}"));
    }

    /// A call without a body that must succeed.
    pub(crate) fn post(&self, container: &InstanceId, what: &str) {
        self.api.request("POST", &format!("/containers/{container}/{what}"), "", &[]).unwrap();
    }

    pub(crate) fn remove(&self, container: &str) {
        self.api.send("DELETE", &format!("/containers/{container}?force=1&v=1"), "", &[]).unwrap();
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if self.api.ping().is_ok() {
            for container in self.containers() {
                self.remove(container["Id"].as_str().unwrap_or("none"));
            }
        }
    }
}

pub(crate) fn zone() -> Zone {
    Zone::new("local").unwrap()
}

/// The first launch in slot 0, 1, ... of one rollout.
pub(crate) fn requests(count: u32, image: Digest) -> Vec<LaunchRequest> {
    let rollout = RolloutId::new("deploy-1").unwrap();
    let request = |slot| LaunchRequest::new(rollout.clone(), Slot(slot), Attempt(1), zone(), image);
    (0..count).map(request).collect()
}

pub(crate) fn request(image: Digest) -> LaunchRequest {
    requests(1, image).remove(0)
}

/// The labels that a launch of this request writes, by the names that users see.
pub(crate) fn labels_of(stage: &Stage, request: &LaunchRequest) -> Value {
    json!({
        "immutable.fleet": stage.id.to_string(),
        "immutable.rollout": request.rollout.to_string(),
        "immutable.slot": request.slot.0.to_string(),
        "immutable.attempt": request.attempt.0.to_string(),
        "immutable.token": request.token.to_string(),
        "immutable.image": request.image.to_string(),
        "immutable.zone": request.zone.to_string(),
    })
}

pub(crate) async fn launch(fleet: &DockerFleet, request: LaunchRequest) -> InstanceId {
    let Launched { instance } = fleet.launch(&[request]).await.remove(0).unwrap();
    instance
}

pub(crate) async fn terminate(fleet: &DockerFleet, instance: &InstanceId) {
    fleet.terminate(&[TerminateRequest::new(instance.clone())]).await.remove(0).unwrap();
}

/// Waits as a controller does: observes, and again at every change.
pub(crate) async fn until(fleet: &DockerFleet, wanted: impl Fn(&[Arc<Instance>]) -> bool) -> Snapshot {
    let begin = Instant::now();
    loop {
        let snapshot = fleet.observe().await.unwrap();
        if wanted(&snapshot.instances) {
            return snapshot;
        }
        let left = NOTICE.saturating_sub(begin.elapsed());
        let changed = tokio::time::timeout(left, fleet.changed(snapshot.revision)).await;
        changed.unwrap_or_else(|_| panic!("no change after {snapshot:#?}"));
    }
}

/// The test web server and nothing else.
pub(crate) fn plain_image(api: &DockerApi) -> Digest {
    static SHARED: OnceLock<Digest> = OnceLock::new();
    *SHARED.get_or_init(|| import(api, &["ENTRYPOINT [\"/lab-web\"]"]))
}

/// The same with a `HEALTHCHECK`.
pub(crate) fn checked_image(api: &DockerApi) -> Digest {
    static SHARED: OnceLock<Digest> = OnceLock::new();
    let check = "HEALTHCHECK --interval=200ms --timeout=2s --retries=2 CMD [\"/lab-web\", \"health\"]";
    *SHARED.get_or_init(|| import(api, &["ENTRYPOINT [\"/lab-web\"]", check]))
}

/// The same, but its `/healthz` never says yes.
pub(crate) fn never_ready_image(api: &DockerApi) -> Digest {
    static SHARED: OnceLock<Digest> = OnceLock::new();
    *SHARED.get_or_init(|| import(api, &["ENTRYPOINT [\"/lab-web\"]", "ENV MODE=unhealthy"]))
}

/// Imports an image without a tag.
pub(crate) fn import(api: &DockerApi, changes: &[&str]) -> Digest {
    let mut archive = tar::Builder::new(Vec::new());
    archive.append_path_with_name(WebBinary::locate().unwrap().path(), "lab-web").unwrap();
    let mut path = "/images/create?fromSrc=-".to_owned();
    for change in changes {
        path.push_str("&changes=");
        path.extend(change.bytes().map(|byte| format!("%{byte:02x}")));
    }
    let answer = api.request("POST", &path, "application/x-tar", &archive.into_inner().unwrap()).unwrap();
    let lines = String::from_utf8(answer.body).unwrap();
    let last: Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    last["status"].as_str().unwrap_or_else(|| panic!("{lines}")).parse().unwrap()
}
