//! The router in memory knows what becomes of the requests.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use immutable_core::controller::Clock;
use immutable_core::fleet::{Fleet, RouteChange, RouteState, Router, TerminateRequest, Weight};
use immutable_core::{Digest, FleetId, InstanceId, Timestamp};
use immutable_testkit::clock::VirtualClock;
use immutable_testkit::fleet::{ImageBehaviour, MemoryFleet};
use immutable_testkit::router::{CutCause, MemoryRouter, RouterOperation};

const SECOND: Duration = Duration::from_secs(1);

struct Setup {
    clock: VirtualClock,
    fleet: Arc<MemoryFleet>,
    router: MemoryRouter,
    ids: Vec<InstanceId>,
}

fn setup() -> Setup {
    let clock = VirtualClock::new(Timestamp::UNIX_EPOCH);
    let fleet = MemoryFleet::builder(FleetId::new("web").unwrap(), clock.shared())
        .running(3, Digest::of(b"old"))
        .build();
    let router = MemoryRouter::with_fleet(clock.shared(), &fleet);
    router.set_sessions(4, SECOND * 20);
    router.serve_all_ready();
    let ids = fleet.instances().into_iter().map(|instance| instance.id).collect();
    Setup { clock, fleet, router, ids }
}

fn serve(instance: &InstanceId, weight: u16) -> RouteChange {
    let endpoint = SocketAddr::from(([127, 0, 0, 1], 80));
    RouteChange::Serve { instance: instance.clone(), endpoint, weight: Weight::new(weight).unwrap() }
}

impl Setup {
    fn apply(&self, change: RouteChange) {
        self.clock.run(self.router.apply(&[change])).unwrap();
    }

    fn drain(&self, n: usize) {
        self.apply(RouteChange::Drain { instance: self.ids[n].clone() });
    }

    fn sessions(&self) -> Vec<u32> {
        self.clock.run(self.router.observe()).unwrap().iter().map(|route| route.sessions).collect()
    }

    fn terminate(&self, n: usize) {
        self.clock
            .run(self.fleet.terminate(&[TerminateRequest::new(self.ids[n].clone())]))
            .remove(0)
            .unwrap();
    }
}

#[test]
fn drained_in_time_cuts_nothing() {
    let t = setup();
    t.drain(0);
    t.clock.advance(SECOND * 19);
    assert_eq!(t.sessions(), [4, 4, 4]);
    assert_eq!(t.router.quiet_at(&t.ids[0]), Some(t.clock.now() + SECOND));
    t.clock.advance(SECOND);
    assert_eq!(t.sessions(), [0, 4, 4]);
    t.terminate(0);
    t.apply(RouteChange::Detach { instance: t.ids[0].clone() });
    assert_eq!(t.router.cuts(), []);
    assert_eq!(t.sessions(), [4, 4]);
}

#[test]
fn every_way_to_cut_requests_is_recorded() {
    let t = setup();
    t.drain(0);
    t.terminate(0);
    t.fleet.kill(&t.ids[1]).unwrap();
    t.apply(RouteChange::Detach { instance: t.ids[2].clone() });
    let seen: Vec<_> = t.router.cuts().iter().map(|cut| (cut.cause, cut.serving, cut.sessions)).collect();
    assert_eq!(
        seen,
        [(CutCause::Terminated, false, 4), (CutCause::Died, true, 4), (CutCause::Detached, true, 4)]
    );
    assert_eq!(t.router.serving_unready(), [t.ids[1].clone()]);
}

#[test]
fn traffic_given_to_an_instance_that_boots_is_recorded() {
    let t = setup();
    let new = t.fleet.add_foreign(Digest::of(b"old"), &t.fleet.capabilities().zones[0]);
    t.apply(serve(&new, 100));
    assert_eq!(t.router.misrouted().iter().map(|m| &m.instance).collect::<Vec<_>>(), [&new]);
    t.clock.advance(SECOND * 10);
    t.apply(serve(&new, 50));
    assert_eq!(t.router.misrouted().len(), 1, "it had traffic already");
    assert_eq!(t.router.applied().last().unwrap().ready_for, Some(Duration::ZERO));
}

#[test]
fn an_instance_that_crashed_before_the_drain_was_still_serving() {
    let t = setup();
    let image = Digest::of(b"crashes");
    let fleet = MemoryFleet::builder(FleetId::new("web").unwrap(), t.clock.shared())
        .image(image, ImageBehaviour::CrashAfter(SECOND * 15))
        .build();
    let router = MemoryRouter::with_fleet(t.clock.shared(), &fleet);
    let id = fleet.add_foreign(image, &fleet.capabilities().zones[0]);
    t.clock.advance(SECOND * 12);
    t.clock.run(router.apply(&[serve(&id, 100)])).unwrap();
    // Nobody looks while it crashes.
    t.clock.advance(SECOND * 6);
    t.clock.run(router.apply(&[RouteChange::Drain { instance: id }])).unwrap();
    let cut = router.cuts().remove(0);
    assert_eq!((cut.at, cut.cause, cut.serving), (Timestamp::UNIX_EPOCH + SECOND * 15, CutCause::Died, true));
    assert_eq!(router.misrouted(), []);
    assert_eq!(router.applied()[0].ready_for, Some(SECOND * 2));
}

#[test]
fn weight_zero_lets_sessions_end() {
    let t = setup();
    t.apply(serve(&t.ids[0], 0));
    assert_eq!(t.clock.run(t.router.observe()).unwrap()[0].state, RouteState::Serving(Weight::ZERO));
    assert_eq!(t.sessions(), [4, 4, 4]);
    t.clock.advance(SECOND * 20);
    assert_eq!(t.sessions(), [0, 4, 4]);
}

#[test]
fn restart_and_injected_failures() {
    let t = setup();
    t.router.fail_next(RouterOperation::Apply, 1);
    t.router.fail_next(RouterOperation::Observe, 1);
    t.clock.run(t.router.apply(&[serve(&t.ids[0], 1)])).unwrap_err();
    t.clock.run(t.router.observe()).unwrap_err();
    assert_eq!(t.sessions().len(), 3);
    t.router.restart();
    assert_eq!(t.sessions().len(), 0);
    assert_eq!(t.clock.now(), Timestamp::UNIX_EPOCH);
}
