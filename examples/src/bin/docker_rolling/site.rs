use std::collections::BTreeMap;
use std::num::NonZeroU16;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use immutable_core::controller::{Controller, ControllerError, SystemClock};
use immutable_core::event::EventSink;
use immutable_core::fleet::{Fleet, RouteState, Router, TerminateRequest};
use immutable_core::journal::{Journal, JournalStore};
use immutable_core::limits::Limits;
use immutable_core::plan::{Estimates, lint};
use immutable_core::planner::{Conclusion, PlanRequest};
use immutable_core::store::FolderStore;
use immutable_core::strategy::Rolling;
use immutable_core::{Digest, FleetId, Quantity, RolloutId, WriterId, Zone};
use immutable_docker::haproxy::{AdminAddress, BackendName, HaproxyConfig, HaproxyRouter};
use immutable_docker::{DockerFleet, DockerFleetConfig, HttpProbe, Readiness};
use immutable_examples::progress::LiveView;
use immutable_lab::Haproxy;
use tokio_util::sync::CancellationToken;

use crate::Failed;
use crate::images::PORT;
use crate::proxy::BACKEND;

/// What happens within this time is told as one moment.
const MOMENT: Duration = Duration::from_millis(100);

/// The containers of this example on one engine, with the proxy in front of them and the journals.
#[derive(Debug)]
pub(crate) struct Site {
    fleet: Arc<DockerFleet>,
    router: Arc<HaproxyRouter>,
    store: Arc<dyn JournalStore>,
    zone: Zone,
    containers: u32,
}

impl Site {
    pub(crate) async fn connect(
        socket: &Path,
        proxy: &Haproxy,
        journals: &Path,
        containers: u32,
    ) -> Result<Self, Failed> {
        let zone = Zone::new("local")?;
        let port = NonZeroU16::new(PORT).ok_or("port 0")?;
        let config = DockerFleetConfig::new(FleetId::new("immutable-example")?, zone.clone())
            .with_socket(socket)
            .with_readiness(Readiness::Http(HttpProbe::new(port, "/healthz")))
            .with_stop_grace(Duration::from_secs(2));
        let fleet = Arc::new(DockerFleet::connect(config).await?);
        let admin = AdminAddress::unix(proxy.admin_socket());
        let router = Arc::new(HaproxyRouter::new(HaproxyConfig::new(admin, BackendName::new(BACKEND)?)));
        Ok(Self { fleet, router, store: Arc::new(FolderStore::new(journals)), zone, containers })
    }

    /// How many containers of the fleet there are.
    pub(crate) async fn containers(&self) -> Result<usize, Failed> {
        Ok(self.fleet.observe().await?.instances.len())
    }

    /// Rolls this image out, or goes on with that if it was begun before.
    pub(crate) async fn roll_out(
        &self,
        name: &str,
        image: Digest,
        versions: &BTreeMap<Digest, String>,
        cancel: &CancellationToken,
    ) -> Result<Conclusion, Failed> {
        let rollout = RolloutId::new(name)?;
        let reader = WriterId::new("reader")?;
        let journal = Journal::load(Arc::clone(&self.store), rollout.clone(), reader).await?;
        let view = LiveView::new(versions.clone()).with_moment(MOMENT);
        if let Some(state) = journal.state() {
            println!("  goes on from {} commits in the journal", journal.fold().len());
            let view = Arc::new(view.following(state));
            let controller = self.controller(&view);
            return Box::pin(shown(&view, controller.resume(&rollout, cancel))).await;
        }
        let snapshot = self.fleet.observe().await?;
        let plan = PlanRequest::new(rollout, image, self.containers)
            .limits(limits())
            .zones(vec![self.zone.clone()])
            .estimates(Estimates {
                launch_to_ready: Duration::from_secs(1),
                drain_to_gone: Duration::from_millis(500),
            })
            .plan(&snapshot, &Rolling::new())?;
        print!("{plan}");
        let findings = lint(&plan);
        if let Some(finding) = findings.first() {
            return Err(format!("the plan breaks a limit: {finding}").into());
        }
        let view = Arc::new(view.expecting(&plan));
        let controller = self.controller(&view);
        Box::pin(shown(&view, controller.run(&plan, cancel))).await
    }

    /// Returns once the proxy sends requests to a container.
    pub(crate) async fn serving(&self) -> Result<(), Failed> {
        loop {
            let routes = self.router.observe().await?;
            if routes.iter().any(|route| matches!(route.state, RouteState::Serving(_))) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Fails unless all containers run this image, are ready and get requests.
    pub(crate) async fn ensure_all_on(&self, image: Digest) -> Result<(), Failed> {
        let routes = self.router.observe().await?;
        let instances = self.fleet.observe().await?.instances;
        let right = instances.iter().filter(|instance| {
            let serves = |route: &&immutable_core::fleet::Route| {
                route.instance == instance.id && matches!(route.state, RouteState::Serving(_))
            };
            instance.image == image && instance.is_ready() && routes.iter().any(|route| serves(&route))
        });
        let right = right.count();
        if right == self.containers as usize && instances.len() == right {
            return Ok(());
        }
        Err(format!("{right} of {} containers run {} and serve", instances.len(), image.short()).into())
    }

    /// Stops and removes every container of the fleet.
    pub(crate) async fn remove_containers(&self) -> Result<(), Failed> {
        let instances = self.fleet.observe().await?.instances;
        let requests: Vec<_> =
            instances.iter().map(|instance| TerminateRequest::new(instance.id.clone())).collect();
        for result in self.fleet.terminate(&requests).await {
            result?;
        }
        println!("removed {} containers", requests.len());
        Ok(())
    }

    fn controller(&self, view: &Arc<LiveView>) -> Controller {
        let fleet: Arc<dyn Fleet> = Arc::<DockerFleet>::clone(&self.fleet);
        let router: Arc<dyn Router> = Arc::<HaproxyRouter>::clone(&self.router);
        let sink: Arc<dyn EventSink> = Arc::<LiveView>::clone(view);
        Controller::new(fleet, Arc::clone(&self.store), Arc::new(SystemClock::new()))
            .with_router(router)
            .with_sink(sink)
    }
}

/// Two more at a time, none fewer, and a bad version is given up soon: this is to be watched.
fn limits() -> Limits {
    Limits {
        max_surge: Quantity::Count(2),
        min_ready: Duration::from_secs(1),
        healthy_deadline: Duration::from_secs(5),
        max_failures: Quantity::Count(1),
        ..Limits::default()
    }
}

/// Keeps the view fresh while the rollout runs.
async fn shown(
    view: &LiveView,
    rollout: impl Future<Output = Result<Conclusion, ControllerError>>,
) -> Result<Conclusion, Failed> {
    let refresh = async {
        loop {
            tokio::time::sleep(Duration::from_millis(250)).await;
            view.flush();
        }
    };
    let result = tokio::select! {
        result = rollout => result,
        () = refresh => unreachable!("it never ends"),
    };
    view.finish();
    Ok(result?)
}
