use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use bollard::errors::Error as EngineError;
use bollard::models::{
    ContainerCreateBody, ContainerInspectResponse, ContainerSummary, EventMessage, ImageInspect,
};
use bollard::query_parameters::{
    CreateContainerOptions, EventsOptionsBuilder, InspectContainerOptions, ListContainersOptionsBuilder,
    RemoveContainerOptionsBuilder, StartContainerOptions, StopContainerOptionsBuilder,
};
use bollard::{API_DEFAULT_VERSION, ClientVersion, Docker};
use futures_util::Stream;
use immutable_core::{Digest, FleetId};

use crate::labels;

/// How long the engine may take for anything but stopping a container. A start takes seconds when many are started.
const CALL_SECONDS: u64 = 120;

/// The engine calls this backend makes, counted.
#[derive(Debug)]
pub(crate) struct Engine {
    docker: Docker,
    calls: AtomicU64,
}

impl Engine {
    /// Prepares calls to the engine on this socket, which must exist; nothing is sent yet.
    pub(crate) fn new(socket: &str, stop_grace_seconds: i32) -> Result<Self, EngineError> {
        // One time-out for all calls: a stop lasts as long as the container's grace.
        let timeout = CALL_SECONDS.saturating_add(u64::try_from(stop_grace_seconds).unwrap_or(0));
        let docker = Docker::connect_with_unix(socket, timeout, API_DEFAULT_VERSION)?;
        Ok(Self { docker, calls: AtomicU64::new(0) })
    }

    /// Agrees on a version of the API and returns it.
    pub(crate) async fn negotiate(&self) -> Result<ClientVersion, EngineError> {
        // The clone shares the agreed version.
        Ok(self.counted().clone().negotiate_version().await?.client_version())
    }

    /// How many requests were sent.
    pub(crate) fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    fn counted(&self) -> &Docker {
        self.calls.fetch_add(1, Ordering::Relaxed);
        &self.docker
    }

    /// All containers with the label of this fleet, running or not.
    pub(crate) async fn list(&self, fleet: &FleetId) -> Result<Vec<ContainerSummary>, EngineError> {
        let filters = HashMap::from([("label", vec![label_filter(fleet)])]);
        let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        self.counted().list_containers(Some(options)).await
    }

    /// The events of the containers of this fleet, from `since` on. Sent when first polled; an event between the call
    /// and then is not lost, because the engine replays its last ones.
    pub(crate) fn events(
        &self,
        fleet: &FleetId,
        since: SystemTime,
    ) -> impl Stream<Item = Result<EventMessage, EngineError>> + use<> {
        let of = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let filters = HashMap::from([
            ("type", of(&["container"])),
            ("event", of(&["create", "start", "die", "destroy", "health_status"])),
            ("label", vec![label_filter(fleet)]),
        ]);
        let since = since.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let since = format!("{}.{:09}", since.as_secs(), since.subsec_nanos());
        let options = EventsOptionsBuilder::new().since(&since).filters(&filters).build();
        self.counted().events(Some(options))
    }

    /// Creates a container under this name; returns its id.
    pub(crate) async fn create(&self, name: &str, body: ContainerCreateBody) -> Result<String, EngineError> {
        let options = CreateContainerOptions { name: Some(name.to_owned()), ..Default::default() };
        Ok(self.counted().create_container(Some(options), body).await?.id)
    }

    /// Starts a container; one that runs already is a success.
    pub(crate) async fn start(&self, container: &str) -> Result<(), EngineError> {
        self.counted().start_container(container, None::<StartContainerOptions>).await
    }

    /// Stops a container, by force after the grace; one that is stopped already is a success.
    pub(crate) async fn stop(&self, container: &str, grace_seconds: i32) -> Result<(), EngineError> {
        let options = StopContainerOptionsBuilder::new().t(grace_seconds).build();
        self.counted().stop_container(container, Some(options)).await
    }

    /// Removes a container and its anonymous volumes.
    pub(crate) async fn remove(&self, container: &str) -> Result<(), EngineError> {
        let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
        self.counted().remove_container(container, Some(options)).await
    }

    /// Removes a container unless it runs.
    pub(crate) async fn remove_unless_running(&self, container: &str) -> Result<(), EngineError> {
        let options = RemoveContainerOptionsBuilder::new().v(true).build();
        self.counted().remove_container(container, Some(options)).await
    }

    /// A container by name or id.
    pub(crate) async fn inspect(&self, container: &str) -> Result<ContainerInspectResponse, EngineError> {
        self.counted().inspect_container(container, None::<InspectContainerOptions>).await
    }

    /// An image by id.
    pub(crate) async fn image(&self, image: &Digest) -> Result<ImageInspect, EngineError> {
        self.counted().inspect_image(&image.to_string()).await
    }
}

fn label_filter(fleet: &FleetId) -> String {
    format!("{}={fleet}", labels::FLEET)
}

/// The socket as text, which is how the client takes it.
pub(crate) fn socket_text(socket: &Path) -> Result<&str, String> {
    socket
        .to_str()
        .ok_or_else(|| format!("the socket path {} is not UTF-8: choose another", socket.display()))
}
