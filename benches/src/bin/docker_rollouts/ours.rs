use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use immutable_core::Digest;
use immutable_lab::unique_name;

use crate::case::Case;
use crate::command::{self, Done};
use crate::contestant::{Contestant, Cost, Run};
use crate::deploy::{BACKEND, Bill, Job};
use crate::error::BenchError;
use crate::stage::{Entrance, Stage};

/// This library: Docker fleet, HAProxy router, journal in a folder.
#[derive(Debug)]
pub(crate) struct Ours {
    traces: Option<PathBuf>,
}

/// How many containers are brought up at a time before the measurement.
const SETUP: u32 = 10;

impl Ours {
    pub(crate) const fn new(traces: Option<PathBuf>) -> Self {
        Self { traces }
    }

    /// A new file for each run.
    fn trace(&self, case: Case) -> Result<Option<PathBuf>, BenchError> {
        let Some(folder) = &self.traces else { return Ok(None) };
        std::fs::create_dir_all(folder).map_err(BenchError::io(format!("making {}", folder.display())))?;
        let run = unique_name(&format!("{}-of-{}", case.parallelism, case.replicas));
        // The deploying process may have another working directory one day.
        std::path::absolute(folder.join(format!("{run}.txt")))
            .map(Some)
            .map_err(BenchError::io("naming a trace"))
    }
}

impl Contestant for Ours {
    fn run(&self, stage: &Stage, case: Case) -> Result<Run, BenchError> {
        let haproxy = stage.lab.haproxy(BACKEND)?;
        let journal = tempfile::tempdir().map_err(BenchError::io("making a folder for the journal"))?;
        let job = |rollout: &str, target: Digest, parallelism: u32, trace| Job {
            socket: stage.lab.socket().to_owned(),
            admin: haproxy.admin_socket().to_owned(),
            journal: journal.path().to_owned(),
            rollout: rollout.to_owned(),
            target,
            replicas: case.replicas.get(),
            parallelism,
            trace,
        };
        let images = &stage.images;
        deploy(stage, &job("first", images.v1.digest, SETUP, None))?;
        let second = job("second", images.v2.digest, case.parallelism.get(), self.trace(case)?);
        let entrance = Entrance { address: haproxy.addr(), netns: None };
        let (run, done) = stage.measure(entrance, || deploy(stage, &second))?;
        stage.settle(images.v1.digest, images.v2.digest, case.replicas.get())?;
        let bill: Bill = serde_json::from_str(&done.output)
            .map_err(|error| BenchError::unexpected("the deploying process", error))?;
        let cost = Cost { engine_calls: bill.engine_calls, cpu: Duration::from_micros(bill.cpu_micros) };
        Ok(Run { cost: Some(cost), ..run })
    }
}

fn deploy(stage: &Stage, job: &Job) -> Result<Done, BenchError> {
    let program = std::env::current_exe().map_err(BenchError::io("finding this program"))?;
    let (variable, value) = job.variable()?;
    command::run(Command::new(program).env(variable, value), &stage.interrupt)
}
