//! What every rollout here needs: an engine, images, a fleet of its own behind a HAProxy of its own.

use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use immutable_core::controller::{Controller, ControllerError, SystemClock};
use immutable_core::event::{Event, EventSink};
use immutable_core::fleet::{Fleet, Router};
use immutable_core::limits::Limits;
use immutable_core::plan::{Plan, lint};
use immutable_core::planner::{Conclusion, PlanRequest};
use immutable_core::store::FolderStore;
use immutable_core::strategy::Rolling;
use immutable_core::{Digest, FleetId, ImageName, Quantity, RolloutId, Zone};
use immutable_docker::bake::{ArchiveRecipe, DockerImages};
use immutable_docker::haproxy::{AdminAddress, BackendName, HaproxyConfig, HaproxyRouter};
use immutable_docker::{DockerFleet, DockerFleetConfig, HttpProbe, Readiness, labels};
use immutable_lab::{Haproxy, Lab, Load, LoadOptions, LoadReport, unique_name};
use serde_json::Value;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// Rollouts under load need the machine for themselves, so they take turns.
static TURN: Mutex<()> = Mutex::new(());

/// A rollout that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(240);

/// The four images: two good ones, one that is never healthy, one that is healthy and exits after five seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Images {
    pub(crate) v1: Digest,
    pub(crate) v2: Digest,
    pub(crate) v3: Digest,
    pub(crate) v4: Digest,
}

/// Prints what happens, so that a failed test tells its story, and keeps it.
#[derive(Debug, Default)]
pub(crate) struct Story(Mutex<Vec<String>>);

impl EventSink for Story {
    fn emit(&self, event: &Event) {
        self.0.lock().unwrap().push(format!("{} {event}", event.at));
    }
}

impl Story {
    pub(crate) fn text(&self) -> String {
        self.0.lock().unwrap().join("\n")
    }
}

pub(crate) struct Stage {
    pub(crate) lab: Lab,
    pub(crate) haproxy: Haproxy,
    pub(crate) images: Images,
    pub(crate) fleet_id: FleetId,
    pub(crate) limits: Limits,
    pub(crate) story: Arc<Story>,
    journal: TempDir,
    runtime: tokio::runtime::Runtime,
    _turn: MutexGuard<'static, ()>,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let lab = Lab::connect().expect("run through `cargo xtask engine -- cargo test ...`");
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let images = images(&lab, &runtime);
        let limits = Limits {
            max_surge: Quantity::Count(3),
            max_failures: Quantity::Count(1),
            healthy_deadline: Duration::from_secs(30),
            ..Limits::default()
        };
        Self {
            haproxy: lab.haproxy("web").unwrap(),
            fleet_id: FleetId::new(unique_name("web")).unwrap(),
            journal: tempfile::tempdir().unwrap(),
            story: Arc::default(),
            lab,
            images,
            limits,
            runtime,
            _turn: turn,
        }
    }

    /// A stage with so many of v1 in service.
    pub(crate) fn running(desired: u32) -> Self {
        let stage = Self::new();
        let conclusion = stage.roll("first", stage.images.v1, desired);
        assert_eq!(conclusion.unwrap(), Conclusion::Completed, "{}", stage.story.text());
        stage
    }

    pub(crate) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    pub(crate) fn journal(&self) -> &Path {
        self.journal.path()
    }

    pub(crate) async fn fleet(&self) -> Arc<DockerFleet> {
        Arc::new(connect(self.fleet_id.clone(), self.lab.socket()).await.unwrap())
    }

    pub(crate) fn router(&self) -> Arc<dyn Router> {
        Arc::new(router(self.haproxy.admin_socket()))
    }

    pub(crate) async fn plan(&self, fleet: &dyn Fleet, rollout: &str, target: Digest, desired: u32) -> Plan {
        plan(fleet, rollout, target, desired, &self.limits).await
    }

    pub(crate) fn controller(&self, fleet: Arc<dyn Fleet>, router: Arc<dyn Router>) -> Controller {
        Controller::new(fleet, Arc::new(FolderStore::new(self.journal())), Arc::new(SystemClock::new()))
            .with_router(router)
            .with_sink(Arc::clone(&self.story) as Arc<dyn EventSink>)
    }

    /// One whole rollout in this process.
    pub(crate) fn roll(
        &self,
        rollout: &str,
        target: Digest,
        desired: u32,
    ) -> Result<Conclusion, ControllerError> {
        self.roll_behind(self.router(), rollout, target, desired)
    }

    pub(crate) fn roll_behind(
        &self,
        router: Arc<dyn Router>,
        rollout: &str,
        target: Digest,
        desired: u32,
    ) -> Result<Conclusion, ControllerError> {
        self.block_on(async {
            let fleet = self.fleet().await;
            let plan = self.plan(&*fleet, rollout, target, desired).await;
            let controller = self.controller(Arc::clone(&fleet) as Arc<dyn Fleet>, router);
            let calls = fleet.engine_calls();
            let began = std::time::Instant::now();
            let cancel = CancellationToken::new();
            let running = controller.run(&plan, &cancel);
            let result = tokio::time::timeout(PATIENCE, running).await;
            println!(
                "{rollout}: {:.1?}, {:.1} engine calls per instance",
                began.elapsed(),
                (fleet.engine_calls() - calls) as f64 / f64::from(desired)
            );
            result.unwrap_or_else(|_| panic!("still running:\n{}", self.story.text()))
        })
    }

    /// 200 requests a second on kept and on new connections.
    pub(crate) fn load(&self) -> Load {
        Load::start(self.haproxy.addr(), LoadOptions::default()).unwrap()
    }

    /// All containers with this fleet's label, as the engine lists them.
    pub(crate) fn containers(&self) -> Vec<Value> {
        containers(&self.lab, &self.fleet_id)
    }

    /// The servers HAProxy would send a request to.
    pub(crate) fn serving(&self) -> usize {
        crate::watch::serving(&self.haproxy).unwrap()
    }

    /// Exactly the desired containers of this image exist, run, serve and are spread over the zones.
    pub(crate) fn assert_ends_with(&self, image: Digest, desired: usize) {
        let containers = self.containers();
        let story = self.story.text();
        assert_eq!(containers.len(), desired, "{story}");
        let mut zones = std::collections::BTreeMap::<String, usize>::new();
        for container in &containers {
            assert_eq!(container["ImageID"], image.to_string(), "{story}");
            assert_eq!(container["State"], "running", "{story}");
            *zones.entry(container["Labels"][labels::ZONE].to_string()).or_default() += 1;
        }
        assert!(zones.values().max().unwrap() - zones.values().min().unwrap() <= 1, "{zones:?}");
        assert_eq!(self.serving(), desired, "{story}");
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        for container in self.containers() {
            let id = container["Id"].as_str().unwrap_or("none");
            let removed = self.lab.api().send("DELETE", &format!("/containers/{id}?force=1&v=1"), "", &[]);
            if let Err(error) = removed {
                eprintln!("cannot remove {id}: {error}");
            }
        }
    }
}

pub(crate) fn containers(lab: &Lab, fleet: &FleetId) -> Vec<Value> {
    let filters = format!("%7B%22label%22%3A%5B%22{}%3D{fleet}%22%5D%7D", labels::FLEET);
    let listed = lab.api().get(&format!("/containers/json?all=1&filters={filters}")).unwrap();
    listed.as_array().unwrap().clone()
}

pub(crate) fn zones() -> Vec<Zone> {
    ["a", "b", "c"].map(|name| Zone::new(name).unwrap()).into()
}

/// Asked over HTTP every 20 ms while it starts; drains nothing itself.
pub(crate) async fn connect(
    fleet: FleetId,
    socket: &Path,
) -> Result<DockerFleet, immutable_core::fleet::FleetError> {
    let [first, rest @ ..] = &zones()[..] else { unreachable!("three zones") };
    let config = DockerFleetConfig::new(fleet, first.clone())
        .with_socket(socket)
        .with_readiness(Readiness::Http(HttpProbe::new(NonZeroU16::new(8080).unwrap(), "/healthz")))
        .with_env("DRAIN_MS", "0")
        .with_stop_grace(Duration::from_secs(5));
    let config = rest.iter().fold(config, |config, zone| config.with_zone(zone.clone()));
    DockerFleet::connect(config).await
}

pub(crate) fn router(admin: &Path) -> HaproxyRouter {
    let admin = AdminAddress::unix(admin);
    HaproxyRouter::new(HaproxyConfig::new(admin, BackendName::new("web").unwrap()))
}

pub(crate) async fn plan(
    fleet: &dyn Fleet,
    rollout: &str,
    target: Digest,
    desired: u32,
    limits: &Limits,
) -> Plan {
    let snapshot = fleet.observe().await.unwrap();
    let plan = PlanRequest::new(RolloutId::new(rollout).unwrap(), target, desired)
        .limits(limits.clone())
        .zones(zones())
        .plan(&snapshot, &Rolling::new())
        .unwrap();
    assert_eq!(lint(&plan), [], "{plan}");
    plan
}

/// Baked once for all tests of this process; equal on every engine.
fn images(lab: &Lab, runtime: &tokio::runtime::Runtime) -> Images {
    static SHARED: OnceLock<Images> = OnceLock::new();
    *SHARED.get_or_init(|| {
        let bake = |version, mode| runtime.block_on(bake(lab, lab.socket(), version, mode));
        Images { v1: bake(1, "ok"), v2: bake(2, "ok"), v3: bake(3, "unhealthy"), v4: bake(4, "crash:5000") }
    })
}

/// Bakes one version of the test web server and loads it into an engine.
pub(crate) async fn bake(lab: &Lab, engine: &Path, version: u64, mode: &str) -> Digest {
    let folder = tempfile::tempdir().unwrap();
    let to: PathBuf = folder.path().join("web");
    std::fs::copy(lab.web_binary().unwrap().path(), to).unwrap();
    let archive = ArchiveRecipe::from_folder(folder.path(), ["/web"])
        .env("VERSION", format!("v{version}"))
        .env("MODE", mode)
        .exposed_port(8080)
        .user("65534:65534")
        .build()
        .unwrap();
    let name = ImageName::new("web").unwrap();
    let docker = DockerImages::connect(engine).unwrap();
    docker.load(&archive, &name, &semver::Version::new(version, 0, 0)).await.unwrap().digest
}

/// What the load must look like when nothing was lost: no failed request, no connection cut, and nobody waited for an
/// address that had gone (a connect to one takes a second until HAProxy tries another).
pub(crate) fn verdict(report: &LoadReport) -> Result<(), String> {
    if !report.is_flawless() {
        return Err(format!("requests were lost: {report}"));
    }
    if report.latency.p99 >= Duration::from_millis(800) {
        return Err(format!("requests waited for an address that had gone: {report}"));
    }
    Ok(())
}
