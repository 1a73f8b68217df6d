use std::collections::HashMap;
use std::time::Duration;

use bollard::errors::Error as EngineError;
use bollard::models::{ContainerInspectResponse, ContainerStateStatusEnum};
use immutable_core::InstanceId;
use immutable_core::fleet::{FleetError, LaunchRequest, Launched};
use tokio::time::sleep;

use super::DockerFleet;
use crate::convert::{container_name, create_body};
use crate::{error, labels};

/// The engine reserves a name before the container can be inspected, and frees it after it cannot be any more. In
/// between it says "in use" and "no such container"; that takes milliseconds, or as long as a removal.
const NAME_PAUSE: Duration = Duration::from_millis(50);
const NAME_TRIES: u32 = 100;

/// What is under the name of a launch.
enum Found {
    /// The container that was just created.
    New(InstanceId),
    /// One that was created before and never started.
    Unstarted(InstanceId),
    /// One that was started before, whatever became of it.
    Started(InstanceId),
}

impl DockerFleet {
    pub(super) async fn launch_one(&self, request: &LaunchRequest) -> Result<Launched, FleetError> {
        if !self.config.zones.contains(&request.zone) {
            return Err(self.context.invalid(format!(
                "zone `{}` is not one of this fleet's: launch in one of {:?}, or add it with \
                 DockerFleetConfig::with_zone",
                request.zone, self.config.zones
            )));
        }
        // The semaphore is never closed; without a permit the call would only be less bounded.
        let _permit = self.launches.acquire().await.ok();
        let mut replaced = false;
        loop {
            let (instance, new) = match self.create_or_find(request).await? {
                Found::New(instance) => (instance, true),
                Found::Unstarted(instance) => (instance, false),
                Found::Started(instance) => return Ok(Launched { instance }),
            };
            match self.engine.start(instance.as_str()).await {
                Ok(()) => return Ok(Launched { instance }),
                // An engine that was killed in the middle of a start leaves things in containerd that it does not
                // clean up (seen with 20.10: "task ...: already exists", "id already in use", "mkdir ...: file
                // exists"). Such a container can never be started; one of the same name can.
                Err(failed) if !new && !replaced && error::status(&failed) >= Some(500) => {
                    replaced = true;
                    self.remove_unstartable(&instance, &failed).await?;
                }
                Err(failed) => return Err(self.context.failed("start a container", failed)),
            }
        }
    }

    /// Removes a container that never ran and never will.
    async fn remove_unstartable(&self, instance: &InstanceId, why: &EngineError) -> Result<(), FleetError> {
        tracing::warn!(
            fleet = %self.config.fleet,
            container = %instance,
            error = %why,
            "an earlier launch left this container behind, and the Docker engine cannot start it; replacing it"
        );
        match self.engine.remove_unless_running(instance.as_str()).await {
            Ok(()) => Ok(()),
            // Somebody else removed it, or could start it after all.
            Err(refused) if matches!(error::status(&refused), Some(404 | 409)) => Ok(()),
            Err(other) => Err(self.context.failed("remove a container", other)),
        }
    }

    async fn create_or_find(&self, request: &LaunchRequest) -> Result<Found, FleetError> {
        let name = container_name(&self.config.fleet, &request.token);
        for _ in 0..NAME_TRIES {
            let refused = match self.engine.create(&name, create_body(&self.config, request)).await {
                Ok(id) => return Ok(Found::New(self.instance_id(id)?)),
                Err(refused) => refused,
            };
            match error::status(&refused) {
                Some(404) if error::message(&refused).to_ascii_lowercase().contains("no such image") => {
                    return Err(self.missing_image(&request.image));
                }
                Some(409) => {}
                _ => return Err(self.context.failed("create a container", refused)),
            }
            match self.engine.inspect(&name).await {
                Ok(existing) => return self.accept(&name, existing, request),
                Err(gone) if error::status(&gone) == Some(404) => sleep(NAME_PAUSE).await,
                Err(other) => return Err(self.context.failed("inspect a container", other)),
            }
        }
        Err(self.context.overdue(
            "create a container",
            format!("the name `{name}` stays in use, but no container has it; is one being removed?"),
        ))
    }

    /// The container that has the name already, if it is the one that was asked for.
    fn accept(
        &self,
        name: &str,
        existing: ContainerInspectResponse,
        request: &LaunchRequest,
    ) -> Result<Found, FleetError> {
        let instance = self.instance_id(existing.id.unwrap_or_default())?;
        let tampered = |problem: String| FleetError::Tampered {
            fleet: self.config.fleet.clone(),
            instance: instance.clone(),
            reason: format!(
                "{problem}: somebody else made the container `{name}`; it is left alone, remove it with \
                 `docker rm -f {name}` and repeat"
            ),
        };
        let none = HashMap::new();
        let actual = existing.config.as_ref().and_then(|config| config.labels.as_ref()).unwrap_or(&none);
        for (label, expected) in labels::of_request(&self.config.fleet, request) {
            match actual.get(label) {
                Some(value) if *value == expected => {}
                Some(value) => {
                    return Err(tampered(format!("label `{label}` is `{value}` and should be `{expected}`")));
                }
                None => return Err(tampered(format!("label `{label}` is missing"))),
            }
        }
        let image = existing.image.unwrap_or_default();
        if image != request.image.to_string() {
            return Err(tampered(format!("it runs image `{image}` and should run `{}`", request.image)));
        }
        Ok(match existing.state.and_then(|state| state.status) {
            Some(ContainerStateStatusEnum::CREATED) => Found::Unstarted(instance),
            _ => Found::Started(instance),
        })
    }

    pub(super) fn instance_id(&self, id: String) -> Result<InstanceId, FleetError> {
        InstanceId::new(id).map_err(|error| FleetError::Platform {
            fleet: self.config.fleet.clone(),
            action: "read a container id",
            retry: immutable_core::error::Retry::Backoff,
            source: Box::new(error),
        })
    }
}
