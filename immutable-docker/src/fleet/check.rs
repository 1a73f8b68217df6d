use bollard::models::ImageInspect;
use immutable_core::Digest;
use immutable_core::fleet::FleetError;

use super::DockerFleet;
use crate::config::Readiness;
use crate::error;

impl DockerFleet {
    pub(super) async fn check_image(&self, image: &Digest) -> Result<(), FleetError> {
        let inspected = match self.engine.image(image).await {
            Ok(inspected) => inspected,
            Err(refused) if error::status(&refused) == Some(404) => return Err(self.missing_image(image)),
            Err(other) => return Err(self.context.failed("inspect an image", other)),
        };
        if self.config.readiness == Readiness::Healthcheck && !has_healthcheck(&inspected) {
            return Err(self.context.invalid(format!(
                "image {image} has no HEALTHCHECK, so nothing tells when it can serve: add a HEALTHCHECK to the \
                 image, or probe it with Readiness::Http, or declare a running container ready with \
                 Readiness::RunningIsReady"
            )));
        }
        Ok(())
    }

    pub(super) fn missing_image(&self, image: &Digest) -> FleetError {
        self.context.invalid(format!(
            "the engine has no image with the id {image}: load it there (`docker load`, or `docker pull` by digest), \
             and name it by the id that `docker image inspect --format {{{{.Id}}}}` shows; tags are never followed"
        ))
    }
}

fn has_healthcheck(image: &ImageInspect) -> bool {
    let check = image.config.as_ref().and_then(|config| config.healthcheck.as_ref());
    let test = check.and_then(|check| check.test.as_deref()).unwrap_or(&[]);
    // An empty test inherits one, and an image has nothing to inherit from.
    test.first().is_some_and(|kind| kind != "NONE")
}
