use std::process::Command;
use std::time::Duration;

use serde_json::json;

use crate::case::Case;
use crate::command;
use crate::container::{Container, STOP_GRACE};
use crate::contestant::{Contestant, Run};
use crate::dns_proxy::DnsProxy;
use crate::error::BenchError;
use crate::stage::{NETWORK, Stage};

/// `docker service update`, start-first, as fast as Swarm goes: no delay, and no time to watch what was started.
#[derive(Debug)]
pub(crate) struct Swarm {
    health_interval: Duration,
}

impl Swarm {
    pub(crate) const fn new(health_interval: Duration) -> Self {
        Self { health_interval }
    }
}

impl Contestant for Swarm {
    fn run(&self, stage: &Stage, case: Case) -> Result<Run, BenchError> {
        let images = &stage.images;
        let (replicas, parallelism) = (case.replicas.get(), case.parallelism.get());
        let body = json!({ "ListenAddr": "127.0.0.1:2377", "AdvertiseAddr": "127.0.0.1" });
        stage.api().post("/swarm/init", &body)?;
        stage.make_network("overlay")?;
        let host = Container::start(&stage.api(), images.bystander.digest, Some(NETWORK))?;

        let mut create = Command::new("docker");
        create.args(["service", "create", "--quiet", "--name", "web", "--network", NETWORK]);
        // Without IPVS there are no virtual addresses, and without a registry there is no digest to resolve.
        create.args(["--endpoint-mode", "dnsrr", "--no-resolve-image"]);
        create.arg(format!("--replicas={replicas}"));
        create.arg(format!("--health-interval={}ms", self.health_interval.as_millis()));
        create.arg(format!("--stop-grace-period={}s", STOP_GRACE.as_secs()));
        create.args(["--update-order=start-first", "--update-delay=0s", "--update-monitor=1ms"]);
        create.args(["--env", "DRAIN_MS=0", "--detach=false", &images.checked_v1.tag]);
        command::run(&mut create, &stage.interrupt)?;

        let proxy = DnsProxy::start(&stage.interrupt, &host, "tasks.web", 2 * replicas, replicas)?;
        let (run, _) = stage.measure(proxy.entrance(), || {
            let mut update = Command::new("docker");
            update.args(["service", "update", "--quiet", "--no-resolve-image", "--detach=false"]);
            update.arg(format!("--update-parallelism={parallelism}"));
            update.args(["--image", &images.checked_v2.tag, "web"]);
            command::run(&mut update, &stage.interrupt)
        })?;
        stage.settle(images.checked_v1.digest, images.checked_v2.digest, replicas)?;
        Ok(run)
    }
}
