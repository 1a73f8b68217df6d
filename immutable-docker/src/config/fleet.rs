use std::num::{NonZeroU16, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use immutable_core::{FleetId, Zone};

use super::{Environment, Hardening, Readiness, ResourceLimits};

/// How a fleet runs its containers.
///
/// ```
/// use std::num::NonZeroU16;
/// use immutable_core::{FleetId, Zone};
/// use immutable_docker::{DockerFleetConfig, HttpProbe, Readiness};
///
/// let port = NonZeroU16::new(8080).unwrap();
/// let config = DockerFleetConfig::new(FleetId::new("web").unwrap(), Zone::new("local").unwrap())
///     .with_port(port)
///     .with_readiness(Readiness::Http(HttpProbe::new(port, "/healthz")))
///     .with_env("DATABASE_PASSWORD", "hunter2");
/// assert!(!format!("{config:?}").contains("hunter2"));
/// ```
#[derive(Clone, Debug)]
pub struct DockerFleetConfig {
    pub(crate) fleet: FleetId,
    pub(crate) zones: Vec<Zone>,
    pub(crate) socket: Option<PathBuf>,
    pub(crate) readiness: Readiness,
    pub(crate) port: Option<NonZeroU16>,
    pub(crate) env: Environment,
    pub(crate) args: Vec<String>,
    pub(crate) network: Option<String>,
    pub(crate) limits: ResourceLimits,
    pub(crate) hardening: Hardening,
    pub(crate) stop_grace: Duration,
    pub(crate) parallelism: NonZeroUsize,
}

/// Measured on two cores: beyond ten starts at a time an engine gains nothing.
const DEFAULT_PARALLELISM: NonZeroUsize = NonZeroUsize::MIN.saturating_add(9);
/// What `docker stop` waits.
const DEFAULT_STOP_GRACE: Duration = Duration::from_secs(10);

impl DockerFleetConfig {
    /// A fleet of this name in one zone: the image's own command, environment and `HEALTHCHECK`, the engine's default
    /// network, no resource limits, [`Hardening::strict`], 10 s to stop, 10 engine calls at a time.
    #[must_use]
    pub fn new(fleet: FleetId, zone: Zone) -> Self {
        Self {
            fleet,
            zones: vec![zone],
            socket: None,
            readiness: Readiness::default(),
            port: None,
            env: Environment::default(),
            args: Vec::new(),
            network: None,
            limits: ResourceLimits::unlimited(),
            hardening: Hardening::strict(),
            stop_grace: DEFAULT_STOP_GRACE,
            parallelism: DEFAULT_PARALLELISM,
        }
    }

    /// Adds a zone. All zones of one engine are on one machine: they are labels, for trying out what zones do to a
    /// rollout, and no failure domains.
    #[must_use]
    pub fn with_zone(mut self, zone: Zone) -> Self {
        if !self.zones.contains(&zone) {
            self.zones.push(zone);
        }
        self
    }

    /// Talks to the engine on this socket, whatever `DOCKER_HOST` says.
    #[must_use]
    pub fn with_socket(mut self, socket: impl Into<PathBuf>) -> Self {
        self.socket = Some(socket.into());
        self
    }

    /// Sets how it is found out that a container can serve.
    #[must_use]
    pub fn with_readiness(mut self, readiness: Readiness) -> Self {
        self.readiness = readiness;
        self
    }

    /// Sets the port on which the containers take requests; with their address it is their endpoint. Without it the
    /// port of an HTTP probe is taken; with neither, instances have no endpoint.
    #[must_use]
    pub const fn with_port(mut self, port: NonZeroU16) -> Self {
        self.port = Some(port);
        self
    }

    /// Sets an environment variable of the containers. `Debug` of this configuration hides the value, but whoever may
    /// inspect the container can read it, as can a `log` logger that shows `bollard` at level `trace`.
    #[must_use]
    pub fn with_env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.set(name.into(), value.into());
        self
    }

    /// Sets the arguments of the containers: they replace the image's `CMD`. Not for secrets.
    #[must_use]
    pub fn with_args(mut self, args: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.args = args.into_iter().map(Into::into).collect();
        self
    }

    /// Puts the containers into this network, by name or id; it must exist.
    #[must_use]
    pub fn with_network(mut self, network: impl Into<String>) -> Self {
        self.network = Some(network.into());
        self
    }

    /// Limits what one container may use.
    #[must_use]
    pub fn with_limits(mut self, limits: ResourceLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets what a container may do to itself and its host.
    #[must_use]
    pub fn with_hardening(mut self, hardening: Hardening) -> Self {
        self.hardening = hardening;
        self
    }

    /// Sets how long a container has from SIGTERM (or the image's `STOPSIGNAL`) to its end before it is killed, in
    /// whole seconds, rounded up.
    #[must_use]
    pub const fn with_stop_grace(mut self, grace: Duration) -> Self {
        self.stop_grace = grace;
        self
    }

    /// Sets how many containers this fleet object launches at a time, and how many it terminates at a time.
    #[must_use]
    pub const fn with_parallelism(mut self, parallelism: NonZeroUsize) -> Self {
        self.parallelism = parallelism;
        self
    }

    /// The port of the endpoints.
    pub(crate) fn endpoint_port(&self) -> Option<NonZeroU16> {
        self.port.or_else(|| match &self.readiness {
            Readiness::Http(probe) => Some(probe.port()),
            Readiness::Healthcheck | Readiness::RunningIsReady => None,
        })
    }

    /// The stop grace as the engine takes it.
    pub(crate) fn stop_grace_seconds(&self) -> i32 {
        let whole = self.stop_grace.as_secs().saturating_add(u64::from(self.stop_grace.subsec_nanos() > 0));
        i32::try_from(whole).unwrap_or(i32::MAX)
    }

    /// What is wrong with it, and the way out.
    pub(crate) fn problem(&self) -> Option<String> {
        if let Some(name) = self.env.bad_name() {
            return Some(format!(
                "`{}` cannot be the name of an environment variable: it must be neither empty nor contain `=`",
                name.escape_debug()
            ));
        }
        let Readiness::Http(probe) = &self.readiness else { return None };
        if let Some(network @ ("none" | "host")) = self.network.as_deref() {
            return Some(format!(
                "containers in the network `{network}` have no address to probe over HTTP: name a bridge network, or \
                 choose Readiness::Healthcheck or Readiness::RunningIsReady"
            ));
        }
        probe.problem()
    }
}

#[cfg(test)]
mod tests {
    use super::super::HttpProbe;
    use super::*;

    fn config() -> DockerFleetConfig {
        DockerFleetConfig::new(FleetId::new("web").unwrap(), Zone::new("a").unwrap())
    }

    #[test]
    fn secrets_are_not_in_the_debug_output() {
        let text = format!("{:?}", config().with_env("TOKEN", "s3cret"));
        assert!(text.contains("TOKEN") && !text.contains("s3cret"), "{text}");
    }

    #[test]
    fn problems_are_found_before_the_engine_is_asked() {
        let probe = |path| Readiness::Http(HttpProbe::new(NonZeroU16::MIN, path));
        assert_eq!(config().with_readiness(probe("/")).problem(), None);
        assert!(config().with_env("A=B", "x").problem().unwrap().contains("A=B"));
        assert!(config().with_readiness(probe("x")).problem().is_some());
        let host = config().with_network("host");
        assert_eq!(host.problem(), None);
        assert!(host.with_readiness(probe("/")).problem().unwrap().contains("`host`"));
    }

    #[test]
    fn the_stop_grace_is_rounded_up() {
        let seconds = |grace| config().with_stop_grace(grace).stop_grace_seconds();
        assert_eq!(seconds(Duration::from_millis(1)), 1);
        assert_eq!(seconds(Duration::ZERO), 0);
        assert_eq!(seconds(Duration::MAX), i32::MAX);
    }
}
