//! The deploying process: this program, started again with a job, so that its CPU time is nobody else's.

use std::ffi::OsString;
use std::num::{NonZeroU16, NonZeroUsize};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use immutable_core::controller::{Controller, SystemClock};
use immutable_core::fleet::Fleet;
use immutable_core::limits::Limits;
use immutable_core::planner::{Conclusion, PlanRequest};
use immutable_core::store::FolderStore;
use immutable_core::strategy::Rolling;
use immutable_core::{Digest, FleetId, Quantity, RolloutId, Zone};
use immutable_docker::haproxy::{AdminAddress, BackendName, HaproxyConfig, HaproxyRouter};
use immutable_docker::{DockerFleet, DockerFleetConfig, HttpProbe, Readiness};
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::container::{PORT, STOP_GRACE};
use crate::error::BenchError;
use crate::trace::Trace;

const VARIABLE: &str = "IMMUTABLE_BENCH_JOB";

/// The name of the proxy's backend.
pub(crate) const BACKEND: &str = "web";

/// One rollout.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) socket: PathBuf,
    pub(crate) admin: PathBuf,
    pub(crate) journal: PathBuf,
    pub(crate) rollout: String,
    pub(crate) target: Digest,
    pub(crate) replicas: u32,
    pub(crate) parallelism: u32,
    pub(crate) trace: Option<PathBuf>,
}

/// What the deploying process tells at its end.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Bill {
    pub(crate) engine_calls: u64,
    pub(crate) cpu_micros: u64,
}

impl Job {
    /// What this process was started for, when it is a deploying one.
    pub(crate) fn of_this_process() -> Option<Result<Self, BenchError>> {
        let text = std::env::var(VARIABLE).ok()?;
        Some(serde_json::from_str(&text).map_err(|error| BenchError::unexpected(VARIABLE, error)))
    }

    /// For the environment of the deploying process.
    pub(crate) fn variable(&self) -> Result<(&'static str, OsString), BenchError> {
        let text = serde_json::to_string(self).map_err(|error| BenchError::unexpected("the job", error))?;
        Ok((VARIABLE, text.into()))
    }
}

/// Deploys, and prints the bill.
pub(crate) fn run(job: &Job) -> Result<(), BenchError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(BenchError::io("starting a runtime"))?;
    let engine_calls = runtime.block_on(deploy(job))?;
    let cpu = clock_gettime(ClockId::ProcessCPUTime);
    let cpu = Duration::new(cpu.tv_sec.unsigned_abs(), u32::try_from(cpu.tv_nsec).unwrap_or_default());
    let bill = Bill { engine_calls, cpu_micros: u64::try_from(cpu.as_micros()).unwrap_or(u64::MAX) };
    let text = serde_json::to_string(&bill).map_err(|error| BenchError::unexpected("the bill", error))?;
    println!("{text}");
    Ok(())
}

async fn deploy(job: &Job) -> Result<u64, BenchError> {
    let bad = |error: &dyn std::fmt::Display| BenchError::unexpected("the job", error);
    let zone = Zone::new("local").map_err(|error| bad(&error))?;
    let port = NonZeroU16::new(PORT).ok_or_else(|| bad(&"port 0"))?;
    let parallelism = usize::try_from(job.parallelism).ok().and_then(NonZeroUsize::new);
    let config = DockerFleetConfig::new(FleetId::new("bench").map_err(|error| bad(&error))?, zone.clone())
        .with_socket(&job.socket)
        .with_readiness(Readiness::Http(HttpProbe::new(port, "/healthz")))
        .with_stop_grace(STOP_GRACE)
        .with_parallelism(parallelism.ok_or_else(|| bad(&"no parallelism"))?);
    let fleet = Arc::new(DockerFleet::connect(config).await?);

    let limits = Limits {
        max_surge: Quantity::Count(job.parallelism),
        max_unavailable: Quantity::Count(0),
        ..Limits::default()
    };
    let rollout = RolloutId::new(&*job.rollout).map_err(|error| bad(&error))?;
    let snapshot = fleet.observe().await?;
    let plan = PlanRequest::new(rollout, job.target, job.replicas)
        .limits(limits)
        .zones(vec![zone])
        .plan(&snapshot, &Rolling::new())?;

    let backend = BackendName::new(BACKEND).map_err(|error| bad(&error))?;
    let router = HaproxyRouter::new(HaproxyConfig::new(AdminAddress::unix(&job.admin), backend));
    let store = Arc::new(FolderStore::new(&job.journal));
    let controller =
        Controller::new(Arc::clone(&fleet) as Arc<dyn Fleet>, store, Arc::new(SystemClock::new()))
            .with_router(Arc::new(router));
    let controller = match &job.trace {
        Some(file) => controller.with_sink(Arc::new(Trace::create(file)?)),
        None => controller,
    };
    match controller.run(&plan, &CancellationToken::new()).await? {
        Conclusion::Completed => Ok(fleet.engine_calls()),
        other => Err(BenchError::Conclusion(Box::new(other))),
    }
}
