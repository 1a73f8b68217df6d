use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU16;
use std::time::Duration;

use bollard::models::{
    ContainerSummary, ContainerSummaryHealthStatusEnum, ContainerSummaryStateEnum as State,
};
use immutable_core::fleet::{FleetError, Health, Instance, Phase};
use immutable_core::{InstanceId, Timestamp};

use crate::error::ErrorContext;
use crate::labels::{self, BadLabel};
use crate::monitor::{Row, RowState};

/// What the monitor needs to know of a listed container. `None` for one whose labels are not this library's: it is
/// left alone, not even probed.
pub(crate) fn row_of(summary: &ContainerSummary, network: Option<&str>) -> Option<Row> {
    labels::read(summary.labels.as_ref()?).ok()?;
    let state = match summary.state? {
        State::CREATED => RowState::Created,
        State::RUNNING | State::PAUSED => RowState::Running,
        _ => RowState::Ended,
    };
    Some(Row {
        id: InstanceId::new(summary.id.clone()?).ok()?,
        state,
        address: address_of(summary, network),
        health: health_of(summary),
    })
}

/// The instance a listed container is, with the health that the monitor knows.
pub(crate) fn instance_of(
    context: &ErrorContext,
    summary: &ContainerSummary,
    health: Health,
    network: Option<&str>,
    port: Option<NonZeroU16>,
) -> Result<Instance, FleetError> {
    let incomplete =
        |what: &str| context.overdue("read the list of containers", format!("an entry has no usable {what}"));
    let id = summary.id.clone().and_then(|id| InstanceId::new(id).ok()).ok_or_else(|| incomplete("Id"))?;
    let image = summary
        .image_id
        .as_deref()
        .and_then(|image| image.parse().ok())
        .ok_or_else(|| incomplete("ImageID"))?;
    let tampered = |BadLabel { label, problem }: BadLabel| FleetError::Tampered {
        fleet: context.fleet.clone(),
        instance: id.clone(),
        reason: format!(
            "label `{label}` of container `{}` {problem}: somebody else gave it the label of this fleet; it is left \
             alone, remove it with `docker rm -f {id}` to go on",
            name_of(summary)
        ),
    };
    let empty = std::collections::HashMap::new();
    let labels = labels::read(summary.labels.as_ref().unwrap_or(&empty)).map_err(tampered)?;
    if labels.image != image {
        let problem = format!("is `{}`, but it runs `{image}`", labels.image);
        return Err(tampered(BadLabel { label: labels::IMAGE, problem }));
    }
    let phase = phase_of(summary, health).ok_or_else(|| incomplete("State"))?;
    let created = Duration::from_secs(summary.created.and_then(|at| u64::try_from(at).ok()).unwrap_or(0));
    let mut instance = Instance::new(id, image, labels.zone, phase, Timestamp::from_unix(created));
    instance.endpoint =
        port.and_then(|port| Some(SocketAddr::new(address_of(summary, network)?, port.get())));
    instance.origin = Some(labels.origin);
    Ok(instance)
}

fn phase_of(summary: &ContainerSummary, health: Health) -> Option<Phase> {
    Some(match summary.state? {
        State::CREATED => Phase::Launching,
        State::RUNNING => Phase::Running(health),
        State::PAUSED | State::RESTARTING => Phase::Running(Health::Unknown),
        State::REMOVING | State::STOPPING => Phase::Stopping,
        State::EXITED => Phase::Stopped { reason: exit_reason(summary.status.as_deref().unwrap_or("")) },
        State::DEAD => Phase::Stopped {
            reason: "dead: the engine could not remove it completely; try `docker rm -f`".to_owned(),
        },
        State::EMPTY => return None,
    })
}

/// `Exited (3) 5 seconds ago` without the part that changes every second, which would make each snapshot a new one.
fn exit_reason(status: &str) -> String {
    match status.strip_prefix("Exited (").and_then(|rest| rest.split_once(')')) {
        Some((code, _)) => format!("exited with code {code}"),
        None => "exited".to_owned(),
    }
}

/// The result of the image's `HEALTHCHECK`. Engines before API 1.52 only have it in the text for people.
fn health_of(summary: &ContainerSummary) -> Health {
    use ContainerSummaryHealthStatusEnum as Status;
    match summary.health.as_ref().and_then(|health| health.status) {
        Some(Status::HEALTHY) => return Health::Ready,
        Some(Status::UNHEALTHY) => return Health::Unready,
        Some(Status::STARTING | Status::NONE) => return Health::Unknown,
        Some(Status::EMPTY) | None => {}
    }
    match summary.status.as_deref().unwrap_or("") {
        status if status.ends_with("(healthy)") => Health::Ready,
        status if status.ends_with("(unhealthy)") => Health::Unready,
        _ => Health::Unknown,
    }
}

/// Its address in the configured network, or in the first by name that gave it one.
fn address_of(summary: &ContainerSummary, network: Option<&str>) -> Option<IpAddr> {
    let networks = summary.network_settings.as_ref()?.networks.as_ref()?;
    let mut candidates: Vec<_> = networks
        .iter()
        .filter(|(name, endpoint)| {
            network.is_none_or(|wanted| *name == wanted || endpoint.network_id.as_deref() == Some(wanted))
        })
        .collect();
    candidates.sort_by(|a, b| a.0.cmp(b.0));
    candidates.into_iter().find_map(|(_, endpoint)| {
        [&endpoint.ip_address, &endpoint.global_ipv6_address]
            .into_iter()
            .find_map(|address| address.as_deref()?.parse().ok())
    })
}

fn name_of(summary: &ContainerSummary) -> &str {
    let name = summary.names.as_deref().and_then(|names| names.first());
    name.map_or("?", |name| name.trim_start_matches('/'))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::path::PathBuf;

    use bollard::models::{ContainerSummaryNetworkSettings, EndpointSettings};
    use immutable_core::fleet::LaunchRequest;
    use immutable_core::{Attempt, Digest, FleetId, RolloutId, Slot, Zone};

    use super::*;

    fn context() -> ErrorContext {
        ErrorContext { fleet: FleetId::new("web").unwrap(), socket: PathBuf::from("/x") }
    }

    fn summary(state: State, status: &str) -> ContainerSummary {
        let image = Digest::of(b"image");
        let rollout = RolloutId::new("r").unwrap();
        let request = LaunchRequest::new(rollout, Slot(0), Attempt(1), Zone::new("a").unwrap(), image);
        let labels = labels::of_request(&context().fleet, &request);
        let endpoint = EndpointSettings { ip_address: Some("172.17.0.2".to_owned()), ..Default::default() };
        ContainerSummary {
            id: Some("c0ffee".to_owned()),
            names: Some(vec!["/web-1".to_owned()]),
            image_id: Some(image.to_string()),
            created: Some(1_700_000_000),
            labels: Some(labels.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()),
            state: Some(state),
            status: Some(status.to_owned()),
            network_settings: Some(ContainerSummaryNetworkSettings {
                networks: Some(HashMap::from([("bridge".to_owned(), endpoint)])),
            }),
            ..Default::default()
        }
    }

    fn instance(summary: &ContainerSummary, health: Health) -> Result<Instance, FleetError> {
        instance_of(&context(), summary, health, None, NonZeroU16::new(80))
    }

    #[test]
    fn states_become_phases() {
        let phase = |state, status| instance(&summary(state, status), Health::Ready).unwrap().phase;
        assert_eq!(phase(State::CREATED, "Created"), Phase::Launching);
        assert_eq!(phase(State::RUNNING, "Up 1 second"), Phase::Running(Health::Ready));
        assert_eq!(phase(State::PAUSED, "Up 1 second (Paused)"), Phase::Running(Health::Unknown));
        assert_eq!(phase(State::REMOVING, ""), Phase::Stopping);
        let reason = "exited with code 3".to_owned();
        assert_eq!(phase(State::EXITED, "Exited (3) 5 seconds ago"), Phase::Stopped { reason });
    }

    #[test]
    fn health_is_read_from_the_status_text_of_old_engines() {
        let health = |status| row_of(&summary(State::RUNNING, status), None).unwrap().health;
        assert_eq!(health("Up 2 seconds (healthy)"), Health::Ready);
        assert_eq!(health("Up 2 seconds (unhealthy)"), Health::Unready);
        assert_eq!(health("Up 2 seconds (health: starting)"), Health::Unknown);
        assert_eq!(health("Up 2 seconds"), Health::Unknown);
    }

    #[test]
    fn the_endpoint_is_the_address_in_the_configured_network() {
        let listed = summary(State::RUNNING, "Up");
        let endpoint = instance(&listed, Health::Unknown).unwrap().endpoint;
        assert_eq!(endpoint, Some("172.17.0.2:80".parse().unwrap()));
        assert_eq!(address_of(&listed, Some("other")), None);
    }

    #[test]
    fn foreign_labels_are_named_and_never_probed() {
        let mut listed = summary(State::RUNNING, "Up");
        listed.labels.as_mut().unwrap().insert(labels::SLOT.to_owned(), "first".to_owned());
        assert!(row_of(&listed, None).is_none());
        let error = instance(&listed, Health::Unknown).unwrap_err();
        let FleetError::Tampered { reason, .. } = &error else { panic!("{error}") };
        assert!(reason.contains("immutable.slot") && reason.contains("docker rm -f c0ffee"), "{reason}");
    }

    #[test]
    fn an_incomplete_answer_is_an_error() {
        let mut listed = summary(State::RUNNING, "Up");
        listed.image_id = Some("web:latest".to_owned());
        assert!(matches!(instance(&listed, Health::Unknown), Err(FleetError::Platform { .. })));
        assert!(instance(&ContainerSummary::default(), Health::Unknown).is_err());
    }
}
