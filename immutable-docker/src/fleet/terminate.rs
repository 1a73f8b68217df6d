use std::time::Duration;

use bollard::errors::Error as EngineError;
use bollard::models::ContainerInspectResponse;
use immutable_core::InstanceId;
use immutable_core::fleet::{FleetError, Terminated};
use tokio::time::{Instant, sleep};

use super::DockerFleet;
use crate::{error, labels};

/// How long a removal that somebody else began may take before it is reported as failed.
const REMOVAL_TIME: Duration = Duration::from_secs(30);
const REMOVAL_PAUSE: Duration = Duration::from_millis(50);

impl DockerFleet {
    pub(super) async fn terminate_one(&self, instance: &InstanceId) -> Result<Terminated, FleetError> {
        let gone = || Terminated { instance: instance.clone() };
        let id = instance.as_str();
        // Names, and prefixes of ids, may mean another container tomorrow; and `..` is another request.
        if !is_container_id(id) {
            return Err(self.context.invalid(format!(
                "`{id}` is not a container id: expected the 64 hexadecimal digits that `observe` reports"
            )));
        }
        // The semaphore is never closed; without a permit the call would only be less bounded.
        let _permit = self.terminations.acquire().await.ok();
        if !self.board.knows(instance) {
            match self.find(id).await? {
                Some(container) => self.verify_ours(instance, &container)?,
                None => return Ok(gone()),
            }
        }
        match self.engine.stop(id, self.config.stop_grace_seconds()).await {
            Ok(()) => {}
            Err(refused) => match error::status(&refused) {
                Some(404) => return self.prove_gone(instance).await,
                // It could not be stopped in time, or is being removed: the removal is by force.
                Some(409 | 500..) => tracing::debug!(container = id, error = %refused, "stop failed"),
                _ => return Err(self.context.failed("stop a container", refused)),
            },
        }
        match self.engine.remove(id).await {
            Ok(()) => {}
            Err(refused) => match error::status(&refused) {
                // Somebody else was faster, or is at it.
                Some(404 | 409) => {}
                _ => return Err(self.context.failed("remove a container", refused)),
            },
        }
        self.prove_gone(instance).await
    }

    /// Asks for the container by its id until the engine does not have it.
    async fn prove_gone(&self, instance: &InstanceId) -> Result<Terminated, FleetError> {
        let deadline = Instant::now() + REMOVAL_TIME;
        while self.find(instance.as_str()).await?.is_some() {
            if Instant::now() >= deadline {
                return Err(self.context.overdue(
                    "remove a container",
                    format!("container {instance} is still there {} s later", REMOVAL_TIME.as_secs()),
                ));
            }
            sleep(REMOVAL_PAUSE).await;
        }
        Ok(Terminated { instance: instance.clone() })
    }

    async fn find(&self, id: &str) -> Result<Option<ContainerInspectResponse>, FleetError> {
        match self.engine.inspect(id).await {
            Ok(container) => Ok(Some(container)),
            Err(EngineError::DockerResponseServerError { status_code: 404, .. }) => Ok(None),
            Err(other) => Err(self.context.failed("inspect a container", other)),
        }
    }

    /// Refuses a container that this fleet did not launch.
    fn verify_ours(
        &self,
        instance: &InstanceId,
        container: &ContainerInspectResponse,
    ) -> Result<(), FleetError> {
        let tampered = |problem: String| {
            Err(FleetError::Tampered {
                fleet: self.config.fleet.clone(),
                instance: instance.clone(),
                reason: format!(
                    "{problem}: this fleet did not launch the container and leaves it alone; remove it with \
                     `docker rm -f {instance}` if it is not wanted"
                ),
            })
        };
        let labels = container.config.as_ref().and_then(|config| config.labels.as_ref());
        let Some((labels, fleet)) = labels.and_then(|labels| Some((labels, labels.get(labels::FLEET)?)))
        else {
            return tampered(format!("label `{}` is missing", labels::FLEET));
        };
        if *fleet != *self.config.fleet.as_str() {
            let ours = &self.config.fleet;
            return tampered(format!("label `{}` is `{fleet}` and should be `{ours}`", labels::FLEET));
        }
        match labels::read(labels) {
            Ok(_) => Ok(()),
            Err(bad) => tampered(format!("label `{}` {}", bad.label, bad.problem)),
        }
    }
}

fn is_container_id(id: &str) -> bool {
    id.len() == 64 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_full_ids_are_ids() {
        assert!(is_container_id(&"0a".repeat(32)));
        for bad in ["", "..", "web-1", "c0ffee", &"0A".repeat(32), &"0g".repeat(32)] {
            assert!(!is_container_id(bad), "{bad}");
        }
    }
}
