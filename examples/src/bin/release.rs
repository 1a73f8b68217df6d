//! A release of three tiers in memory: databases, then services, then the web servers of two regions, of which three
//! quarters serve at every moment. No engine, no network, and no time but virtual time.
//!
//! First all goes well; then the image of one region never becomes ready, and the whole release goes back.

#![expect(clippy::print_stdout, reason = "showing something is what this program is for")]
#![expect(clippy::print_stderr, reason = "the error goes where errors go")]

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use immutable_core::controller::{Controller, ReleaseController};
use immutable_core::event::{Event, EventKind, EventSink};
use immutable_core::fleet::Fleet;
use immutable_core::journal::MemoryStore;
use immutable_core::planner::PlanRequest;
use immutable_core::release::{OnGroupFailure, ReleaseOutcome, ReleasePlan, ReleaseSpec, Service};
use immutable_core::strategy::{Rolling, Share};
use immutable_core::{BarrierName, Digest, FleetId, RolloutId, ServiceName, Timestamp, Zone};
use immutable_testkit::clock::VirtualClock;
use immutable_testkit::fleet::{ImageBehaviour, MemoryFleet};
use tokio_util::sync::CancellationToken;

const TIERS: [(&str, &[&str]); 3] =
    [("data", &["db"]), ("services", &["api", "search"]), ("front", &["web-eu", "web-us"])];
const SIZE: u32 = 4;

/// Prints what the release commits.
#[derive(Debug)]
struct Lines(Timestamp);

impl EventSink for Lines {
    fn emit(&self, event: &Event) {
        if let EventKind::Release { record, .. } = &event.kind {
            println!("{:>5} s  {record}", event.at.since(self.0).as_secs());
        }
    }
}

fn main() -> ExitCode {
    let played = play("r7", None, ReleaseOutcome::Done)
        .and_then(|()| play("r8", Some("web-us"), ReleaseOutcome::RolledBack));
    match played {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("not as it should be: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Releases to all tiers; to `bad` an image that never becomes ready.
fn play(release: &str, bad: Option<&str>, expected: ReleaseOutcome) -> Result<(), Box<dyn Error>> {
    let start = Timestamp::from_unix(Duration::from_secs(1_800_000_000));
    let clock = VirtualClock::new(start);
    let (v1, v2, v3) = (Digest::of(b"v1"), Digest::of(b"v2"), Digest::of(b"v3"));
    let zones = vec![Zone::new("a")?, Zone::new("b")?];
    let store = MemoryStore::new();
    let mut controller =
        ReleaseController::new(Arc::new(store.clone()), clock.shared()).with_sink(Arc::new(Lines(start)));

    let web = ServiceName::new("web")?;
    let mut spec = ReleaseSpec::new()
        .on_failure(OnGroupFailure::Rollback)
        .service(Service::new(web.clone(), Share::new(75)?));
    let (mut tiers, mut plans, mut fleets) = (Vec::new(), Vec::new(), Vec::new());
    for (tier, names) in TIERS {
        let mut groups = Vec::new();
        for name in names {
            let fleet = MemoryFleet::builder(FleetId::new(*name)?, clock.shared())
                .zones(zones.clone())
                .image(v2, ImageBehaviour::Healthy)
                .image(v3, ImageBehaviour::NeverReady)
                .running(SIZE, v1)
                .build();
            let target = if bad == Some(*name) { v3 } else { v2 };
            let request = PlanRequest::new(RolloutId::new(format!("{release}-{name}"))?, target, SIZE);
            let snapshot = clock.run(fleet.observe())?;
            plans.push(request.zones(zones.clone()).plan(&snapshot, &Rolling::new())?);
            groups.push(fleet.id().clone());
            let group: Arc<dyn Fleet> = Arc::clone(&fleet) as Arc<dyn Fleet>;
            controller =
                controller.with_group(Controller::new(group, Arc::new(store.clone()), clock.shared()));
            fleets.push(fleet);
        }
        tiers.push((BarrierName::new(tier)?, groups));
    }
    spec = spec.tiers(tiers);
    for group in spec.groups.iter_mut().filter(|group| group.fleet.as_str().starts_with("web")) {
        group.service = Some(web.clone());
    }

    let plan = ReleasePlan::new(RolloutId::new(release)?, spec, plans)?;
    println!("release {release}, predicted to take {} s", plan.forecast().makespan.as_secs());
    let outcome = clock.run(controller.run(&plan, &CancellationToken::new()))?;
    println!("{outcome:?}\n");
    let wanted = if expected == ReleaseOutcome::Done { v2 } else { v1 };
    let ends_well =
        fleets.iter().all(|fleet| fleet.instances().iter().all(|instance| instance.image == wanted));
    if outcome == expected && ends_well { Ok(()) } else { Err(format!("{outcome:?}").into()) }
}
