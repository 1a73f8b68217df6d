use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bollard::ClientVersion;
use futures_util::future::join_all;
use immutable_core::fleet::{
    Capabilities, Fleet, FleetError, Health, Instance, LaunchRequest, Launched, Phase, Snapshot,
    TerminateRequest, Terminated,
};
use immutable_core::{Digest, FleetId, Timestamp};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::Engine;
use super::engine::socket_text;
use crate::config::{DockerFleetConfig, engine_socket};
use crate::convert;
use crate::error::ErrorContext;
use crate::monitor::{Board, Watcher};

/// The oldest API this backend is tested with: Docker 20.10.
const MIN_API: ClientVersion = ClientVersion { major_version: 1, minor_version: 41 };

/// How long connecting waits at most for the first readiness probes.
const FIRST_LOOK: Duration = Duration::from_secs(1);

/// The containers of one service on one Docker engine.
///
/// A container is launched from an image id, never from a tag, and carries the [labels](crate::labels) of its launch.
/// Containers that do not carry them are never touched.
///
/// Tasks in the background follow the engine's events and probe readiness; they end when the fleet is dropped. The
/// fleet must be connected inside a tokio runtime with time and I/O, which must live as long as the fleet.
///
/// ```no_run
/// # async fn example() -> Result<(), immutable_core::fleet::FleetError> {
/// use std::num::NonZeroU16;
/// use immutable_core::fleet::Fleet;
/// use immutable_core::{FleetId, Zone};
/// use immutable_docker::{DockerFleet, DockerFleetConfig, HttpProbe, Readiness};
///
/// let port = NonZeroU16::new(8080).unwrap();
/// let config = DockerFleetConfig::new(FleetId::new("web").unwrap(), Zone::new("local").unwrap())
///     .with_readiness(Readiness::Http(HttpProbe::new(port, "/healthz")));
/// let fleet = DockerFleet::connect(config).await?;
/// println!("{} containers", fleet.observe().await?.instances.len());
/// # Ok(())
/// # }
/// ```
pub struct DockerFleet {
    pub(super) config: Arc<DockerFleetConfig>,
    pub(super) context: ErrorContext,
    pub(super) engine: Arc<Engine>,
    pub(super) board: Arc<Board>,
    /// Bounds launches over all calls of this object.
    pub(super) launches: Semaphore,
    /// Bounds terminations; apart from launches, so that stops overlap starts.
    pub(super) terminations: Semaphore,
    _watcher: Watcher,
}

impl DockerFleet {
    /// Connects to the engine and begins to watch the fleet's containers.
    ///
    /// The engine is the one on [`DockerFleetConfig::with_socket`], else the one `DOCKER_HOST` names, else
    /// `/var/run/docker.sock`.
    ///
    /// # Errors
    /// [`FleetError::Invalid`] when the configuration cannot work or the engine is older than Docker 20.10 (API 1.41);
    /// [`FleetError::Platform`] when no engine answers.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn connect(config: DockerFleetConfig) -> Result<Self, FleetError> {
        let invalid = |reason| FleetError::Invalid { fleet: config.fleet.clone(), reason };
        if let Some(problem) = config.problem() {
            return Err(invalid(problem));
        }
        let host = std::env::var("DOCKER_HOST").ok();
        let socket = engine_socket(config.socket.clone(), host.as_deref()).map_err(invalid)?;
        let context = ErrorContext { fleet: config.fleet.clone(), socket };
        let connecting = |error| context.failed("connect to the engine", error);
        let text = socket_text(&context.socket).map_err(invalid)?;
        let engine = Engine::new(text, config.stop_grace_seconds()).map_err(connecting)?;
        let version = engine.negotiate().await.map_err(connecting)?;
        if version < MIN_API {
            return Err(invalid(format!(
                "the engine at {} speaks API {version}, older than {MIN_API}: upgrade it to Docker 20.10 or newer",
                context.socket.display()
            )));
        }
        let runtime = Handle::current();
        let (config, engine) = (Arc::new(config), Arc::new(engine));
        let board = Arc::new(Board::new(config.readiness.clone(), runtime.clone()));
        let watcher = Watcher::start(&runtime, Arc::clone(&engine), Arc::clone(&board), Arc::clone(&config));
        let parallelism = config.parallelism.get().min(Semaphore::MAX_PERMITS);
        let fleet = Self {
            config,
            context,
            engine,
            board,
            launches: Semaphore::new(parallelism),
            terminations: Semaphore::new(parallelism),
            _watcher: watcher,
        };
        fleet.first_look().await;
        Ok(fleet)
    }

    /// Waits until the readiness of every running container is known, or could not be found out within one probe: a
    /// fleet that is looked at for the first time shall not look as if nobody knew anything.
    async fn first_look(&self) {
        let knows = async {
            // An error shows again, with its reason, when the caller observes.
            while let Ok(snapshot) = self.observe().await {
                let unknown = |instance: &Instance| instance.phase == Phase::Running(Health::Unknown);
                if !snapshot.instances.iter().any(|instance| unknown(instance)) {
                    break;
                }
                self.changed(snapshot.revision).await;
            }
        };
        let _ = tokio::time::timeout(FIRST_LOOK, knows).await;
    }

    /// How many requests this object sent to the engine, those of its background tasks included. Readiness probes go
    /// to the containers and are not counted.
    #[must_use]
    pub fn engine_calls(&self) -> u64 {
        self.engine.calls()
    }
}

#[async_trait]
impl Fleet for DockerFleet {
    fn id(&self) -> &FleetId {
        &self.config.fleet
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::new(self.config.zones.clone());
        capabilities.events = true;
        // The engine takes one container a call, and a batch would only hold back the results of the quick ones.
        capabilities.max_batch = 1;
        capabilities
    }

    async fn observe(&self) -> Result<Snapshot, FleetError> {
        let ticket = self.board.ticket();
        let listed = self.engine.list(&self.config.fleet).await;
        let summaries = listed.map_err(|error| self.context.failed("list containers", error))?;
        let taken_at = Timestamp::from(SystemTime::now());
        let network = self.config.network.as_deref();
        let mut rows: Vec<_> = summaries.iter().filter_map(|one| convert::row_of(one, network)).collect();
        let revision = self.board.take_over(ticket, &mut rows);
        rows.sort_by(|a, b| a.id.cmp(&b.id));
        let health = |id: Option<&str>| {
            let at = rows.binary_search_by(|row| Some(row.id.as_str()).cmp(&id));
            at.map_or(Health::Unknown, |at| rows[at].health)
        };
        let port = self.config.endpoint_port();
        let instances: Result<Vec<_>, _> = summaries
            .iter()
            .map(|one| convert::instance_of(&self.context, one, health(one.id.as_deref()), network, port))
            .collect();
        Ok(Snapshot::new(self.config.fleet.clone(), taken_at, revision, instances?))
    }

    async fn changed(&self, since: u64) {
        self.board.changed(since).await;
    }

    async fn check(&self, image: &Digest) -> Result<(), FleetError> {
        self.check_image(image).await
    }

    async fn launch(&self, requests: &[LaunchRequest]) -> Vec<Result<Launched, FleetError>> {
        join_all(requests.iter().map(|request| self.launch_one(request))).await
    }

    async fn terminate(&self, requests: &[TerminateRequest]) -> Vec<Result<Terminated, FleetError>> {
        join_all(requests.iter().map(|request| self.terminate_one(&request.instance))).await
    }
}

impl fmt::Debug for DockerFleet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DockerFleet")
            .field("config", &self.config)
            .field("socket", &self.context.socket)
            .field("engine_calls", &self.engine_calls())
            .finish_non_exhaustive()
    }
}
