use std::fs;
use std::path::Path;
use std::process::Command;

use crate::case::Case;
use crate::command::{self, Done};
use crate::container::{Container, STOP_GRACE};
use crate::contestant::{Contestant, Run};
use crate::dns_proxy::DnsProxy;
use crate::error::BenchError;
use crate::stage::{NETWORK, Stage};

/// `docker-compose up -d` after the image in the file was changed: every container is stopped and made anew, as many at
/// a time as docker-compose likes.
#[derive(Debug)]
pub(crate) struct Compose;

impl Contestant for Compose {
    fn run(&self, stage: &Stage, case: Case) -> Result<Run, BenchError> {
        let images = &stage.images;
        let replicas = case.replicas.get();
        stage.make_network("bridge")?;
        let host = Container::start(&stage.api(), images.bystander.digest, Some(NETWORK))?;
        let folder = tempfile::tempdir().map_err(BenchError::io("making a folder for docker-compose"))?;
        up(stage, folder.path(), &images.v1.tag, replicas)?;
        let proxy = DnsProxy::start(&stage.interrupt, &host, "web", 2 * replicas, replicas)?;
        let (run, _) =
            stage.measure(proxy.entrance(), || up(stage, folder.path(), &images.v2.tag, replicas))?;
        stage.settle(images.v1.digest, images.v2.digest, replicas)?;
        Ok(run)
    }
}

fn up(stage: &Stage, folder: &Path, image: &str, replicas: u32) -> Result<Done, BenchError> {
    let file = folder.join("docker-compose.yml");
    let written = fs::write(&file, project(image, replicas));
    written.map_err(BenchError::io(format!("writing {}", file.display())))?;
    let mut command = Command::new("docker-compose");
    command.args(["--project-name", "bench", "--file"]).arg(file);
    command.args(["--no-ansi", "up", "--detach", "--no-build"]);
    command::run(&mut command, &stage.interrupt)
}

fn project(image: &str, replicas: u32) -> String {
    format!(
        "version: '2.4'
services:
  web:
    image: '{image}'
    scale: {replicas}
    stop_grace_period: {grace}s
    environment:
      DRAIN_MS: '0'
networks:
  default:
    external: true
    name: {NETWORK}
",
        grace = STOP_GRACE.as_secs()
    )
}
