//! The deploying process that the crash tests kill: this test binary, started again with a job.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use immutable_core::controller::{Controller, ControllerError, SystemClock};
use immutable_core::journal::JournalError;
use immutable_core::limits::Limits;
use immutable_core::planner::Conclusion;
use immutable_core::store::FolderStore;
use immutable_core::{Digest, FleetId};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::stage::{self, Stage};

const JOB: &str = "IMMUTABLE_TEST_DEPLOY_JOB";

/// Exit code of a process that another one has taken the rollout from.
pub(crate) const SUPERSEDED: i32 = 42;

#[derive(Debug, Serialize, Deserialize)]
struct Job {
    socket: PathBuf,
    admin: PathBuf,
    journal: PathBuf,
    fleet: FleetId,
    rollout: String,
    target: Digest,
    desired: u32,
    limits: Limits,
}

impl Job {
    fn new(stage: &Stage, rollout: &str, target: Digest, desired: u32) -> Self {
        Self {
            socket: stage.lab.socket().to_owned(),
            admin: stage.haproxy.admin_socket().to_owned(),
            journal: stage.journal().to_owned(),
            fleet: stage.fleet_id.clone(),
            rollout: rollout.to_owned(),
            target,
            desired,
            limits: stage.limits.clone(),
        }
    }
}

/// Starts a process that deploys.
pub(crate) fn deploy(stage: &Stage, rollout: &str, target: Digest, desired: u32) -> Child {
    let job = Job::new(stage, rollout, target, desired);
    started(Command::new(std::env::current_exe().unwrap()), &job)
}

/// The same with its journal on a disk of so many kilobytes, which only this process and those who look through it see.
pub(crate) fn deploy_on_small_disk(
    stage: &Stage,
    rollout: &str,
    target: Digest,
    desired: u32,
    kilobytes: u32,
) -> Child {
    let mount = format!("mount -t tmpfs -o size={kilobytes}k tmpfs \"$0\" && exec \"$@\"");
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-ec", &mount]);
    command.arg(stage.journal()).arg(std::env::current_exe().unwrap());
    started(command, &Job::new(stage, rollout, target, desired))
}

fn started(mut command: Command, job: &Job) -> Child {
    command
        .args(["--exact", "process::the_deploying_process", "--nocapture"])
        .env(JOB, serde_json::to_string(job).unwrap())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// Deploys when the crash tests started this process with a job; otherwise only shows that a job is understood.
#[test]
fn the_deploying_process() {
    let Ok(job) = std::env::var(JOB) else {
        let error = serde_json::from_str::<Job>("{}").unwrap_err();
        assert!(error.to_string().contains("missing field"), "{error}");
        return;
    };
    let job: Job = serde_json::from_str(&job).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let result = runtime.block_on(run(job));
    match result {
        Ok(Conclusion::Completed) => {}
        Err(ControllerError::Journal(JournalError::Superseded { .. })) => std::process::exit(SUPERSEDED),
        other => panic!("{other:?}"),
    }
}

async fn run(job: Job) -> Result<Conclusion, ControllerError> {
    let fleet = Arc::new(stage::connect(job.fleet, &job.socket).await.unwrap());
    let plan = stage::plan(&*fleet, &job.rollout, job.target, job.desired, &job.limits).await;
    let store = Arc::new(FolderStore::new(job.journal));
    let controller = Controller::new(fleet, store, Arc::new(SystemClock::new()))
        .with_router(Arc::new(stage::router(&job.admin)));
    controller.run(&plan, &CancellationToken::new()).await
}
