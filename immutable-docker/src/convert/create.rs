use std::collections::HashMap;

use bollard::models::{ContainerCreateBody, HostConfig, RestartPolicy, RestartPolicyNameEnum};
use immutable_core::fleet::LaunchRequest;
use immutable_core::{FleetId, Token};

use crate::config::{DockerFleetConfig, Restart};
use crate::labels;

/// The name of the container of a launch. Derived from the token, so that a repeated launch meets the first one's
/// container instead of making a second.
pub(crate) fn container_name(fleet: &FleetId, token: &Token) -> String {
    format!("{fleet}-{token}")
}

/// What the engine is asked to create for a request.
pub(crate) fn create_body(config: &DockerFleetConfig, request: &LaunchRequest) -> ContainerCreateBody {
    let labels = labels::of_request(&config.fleet, request);
    ContainerCreateBody {
        // Always the id: a tag may point elsewhere by now.
        image: Some(request.image.to_string()),
        env: Some(config.env.to_lines()),
        cmd: (!config.args.is_empty()).then(|| config.args.clone()),
        user: config.hardening.user().map(ToOwned::to_owned),
        labels: Some(labels.into_iter().map(|(label, value)| (label.to_owned(), value)).collect()),
        stop_timeout: Some(config.stop_grace_seconds().into()),
        host_config: Some(host_config(config)),
        ..Default::default()
    }
}

fn host_config(config: &DockerFleetConfig) -> HostConfig {
    let DockerFleetConfig { limits, hardening, network, .. } = config;
    // The engine's numbers are signed; no machine has that much of anything.
    let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let tmpfs: HashMap<_, _> = hardening.tmpfs().clone().into_iter().collect();
    HostConfig {
        memory: limits.memory_bytes.map(|bytes| signed(bytes.get())),
        nano_cpus: limits.nano_cpus.map(|cpus| signed(cpus.get())),
        pids_limit: limits.pids.map(|pids| signed(pids.get())),
        network_mode: network.clone(),
        readonly_rootfs: Some(hardening.is_rootfs_read_only()),
        cap_drop: Some(hardening.capabilities_dropped()),
        cap_add: Some(hardening.capabilities_added()),
        security_opt: Some(hardening.security_options()),
        restart_policy: Some(restart_policy(hardening.restart())),
        tmpfs: Some(tmpfs),
        ..Default::default()
    }
}

fn restart_policy(restart: Restart) -> RestartPolicy {
    let (name, retries) = match restart {
        Restart::Never => (RestartPolicyNameEnum::NO, None),
        Restart::OnFailure { max_retries } => (RestartPolicyNameEnum::ON_FAILURE, Some(max_retries.into())),
        Restart::UnlessStopped => (RestartPolicyNameEnum::UNLESS_STOPPED, None),
    };
    RestartPolicy { name: Some(name), maximum_retry_count: retries }
}
